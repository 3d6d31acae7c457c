import exec from 'k6/execution';
export const options = {
  scenarios: { a: { executor: 'constant-arrival-rate', rate: 4, timeUnit: '2s', duration: '1s', preAllocatedVUs: 2 } },
  thresholds: { iterations: ['count==3'] },
};
export default function () { console.log(exec.scenario.name, exec.scenario.iterationInTest); }
