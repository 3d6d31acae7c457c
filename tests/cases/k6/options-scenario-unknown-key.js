export const options = { scenarios: { a: { executor: 'constant-vus', vus: 1, duration: '1s', graceful_stop: '1s' } } };
export default function () {}
