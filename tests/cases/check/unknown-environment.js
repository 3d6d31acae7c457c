import { Trend } from 'k6/metrics';
if (!__ENV.BASE) throw new Error('BASE is missing');
export const options = { thresholds: { http_req_duratoin: ['p(95)<500'] } };
export default function () { }
