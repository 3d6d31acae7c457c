import exec from 'k6/execution';
export const options = { scenarios: { s: { executor: 'shared-iterations', vus: 3, iterations: 7 } }, thresholds: { iterations: ['count == 7'] } };
export default function () { if (exec.scenario.iterationInTest === 6) console.log('the seventh', exec.scenario.name, exec.scenario.executor); }
