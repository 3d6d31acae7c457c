export const options = { scenarios: {
  a: { executor: 'externally-controlled', vus: 1 }, b: { executor: 'constant-vus', vus: 1 }, c: { executor: 'constant-arrival-rate', rate: 0.5, duration: '1s', preAllocatedVUs: 1 },
  d: { executor: 'shared-iterations', vus: 5, iterations: 2 }, 'e f': { executor: 'per-vu-iterations' }, g: { executor: 'ramping-vus', stages: [{ target: 'x', duration: '1s' }] }, h: {}, i: { executor: 'constant-vus', vus: 1, duration: '1s', startime: '1s' },
} };
export default function () {}
