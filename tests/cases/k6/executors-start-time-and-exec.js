import exec from 'k6/execution';
export const options = {
  scenarios: {
    second: { executor: 'per-vu-iterations', exec: 'b', startTime: '300ms', env: { WHO: 'later' } },
    first: { executor: 'per-vu-iterations', exec: 'a', env: { WHO: 'sooner' }, tags: { kind: 'x' } },
  },
};
export function a() { console.log('a', __ENV.WHO, exec.scenario.name, exec.vu.tags.kind); }
export function b() { console.log('b', __ENV.WHO, exec.scenario.name, exec.vu.tags.kind); }
