export const options = {
  thresholds: { http_req_duration: 'p(95)<1', nothing: ['count>0'], checks: ['p(95)<1'], iterations: ['count >'] },
  scenarios: {
    'a b': { executor: 'constant-vus', duration: '10s' },
    c: { executor: 'constant-vu', duration: '10s' },
    d: { executor: 'constant-arrival-rate', rate: 0.5, duration: '1s', preAllocatedVUs: 1 },
    e: { executor: 'ramping-vus', stages: [{ duration: 'x', target: 1 }], vus: 3 },
    f: { executor: 'shared-iterations', vus: 5, iterations: 2, exec: 'default' },
  },
};
export default function () {}
