import exec from 'k6/execution';
import { sleep } from 'k6';
const seen = {};
export const options = { scenarios: { a: { executor: 'ramping-vus', startVUs: 1, stages: [{ duration: '0s', target: 2 }, { duration: '1s', target: 2 }], gracefulRampDown: '0s', gracefulStop: '0s' } } };
export default function () { if (!seen.me) console.log('virtual user'); seen.me = true; sleep(0.2); }
