import http from 'k6/http';
export const options = { scenarios: {
  one: { executor: 'per-vu-iterations', exec: 'act', env: { WHO: 'ann' }, tags: { team: 'red' } }, two: { executor: 'per-vu-iterations', exec: 'act', env: { WHO: 'bob' }, tags: { team: 'blue' }, startTime: '300ms' },
}, thresholds: { 'http_reqs{team:red}': ['count == 1'], 'http_reqs{team:blue,scenario:two}': ['count == 1'], 'iterations{scenario:one}': ['count == 1'] } };
export function act() { http.get(`${__ENV.URL}/${__ENV.WHO}`); console.log(__ENV.WHO); }
