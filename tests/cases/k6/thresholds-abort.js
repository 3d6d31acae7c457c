import { Rate } from 'k6/metrics';
import { sleep } from 'k6';
const r = new Rate('good');
export const options = { duration: '60s', thresholds: { good: [{ threshold: 'rate>0.5', abortOnFail: true, delayAbortEval: '1s' }] } };
export default function () { r.add(false); sleep(0.1); }
export function teardown() { console.log('teardown'); }
