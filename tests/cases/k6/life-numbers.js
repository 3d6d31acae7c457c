import exec from 'k6/execution';
export const options = { scenarios: { s: { executor: 'per-vu-iterations', vus: 1, iterations: 3 } } };
export function setup() { console.log('setup', __VU, __ITER); }
export default function () { console.log(__VU, __ITER, exec.vu.idInTest, exec.vu.idInInstance, exec.vu.iterationInInstance, exec.vu.iterationInScenario, exec.scenario.iterationInTest, exec.instance.vusActive, exec.instance.iterationsCompleted); }
export function teardown() { console.log('teardown', __VU, __ITER); }
