import { sleep } from 'k6';
export const options = { scenarios: { a: { executor: 'constant-vus', vus: 1, duration: '1s', gracefulStop: '0s' } }, thresholds: { iterations: ['count==0'] } };
export default function () { try { sleep(60); } finally { console.log('let go'); } }
export function teardown() { console.log('teardown'); }
