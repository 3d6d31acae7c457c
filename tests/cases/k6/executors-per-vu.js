// summary
export const options = { scenarios: { a: { executor: 'per-vu-iterations', vus: 2, iterations: 3 } }, thresholds: { iterations: ['count==6'] } };
export default function () {}
