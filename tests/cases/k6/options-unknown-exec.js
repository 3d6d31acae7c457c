export const options = { scenarios: { a: { executor: 'per-vu-iterations', exec: 'checkout' } } };
export default function () {}
