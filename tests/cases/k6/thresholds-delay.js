import { sleep } from 'k6';
import { Counter } from 'k6/metrics';
export const options = { vus: 1, duration: '3s', thresholds: { bad: [{ threshold: 'count < 1', abortOnFail: true, delayAbortEval: '1h' }] } };
const bad = new Counter('bad');
export default function () { bad.add(1); sleep(1); }
export function teardown() { console.log('torn down'); }
