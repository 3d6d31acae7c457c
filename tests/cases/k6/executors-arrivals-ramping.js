export const options = {
  scenarios: { a: { executor: 'ramping-arrival-rate', startRate: 2, stages: [{ duration: '2s', target: 2 }], preAllocatedVUs: 2 } },
  thresholds: { iterations: ['count==4'] },
};
export default function () { console.log('arrival'); }
