import http from 'k6/http';
import { sleep } from 'k6';
// summary
export const options = { dns: { ttl: '1m', select: 'roundRobin', policy: 'onlyIPv4' }, handleSummaryTimeout: '300ms' };
export default function () { console.log(http.get(`${__ENV.URL.replace('127.0.0.1', 'localhost')}/text`).body); }
export function handleSummary() { sleep(5); return { stdout: 'never' }; }
