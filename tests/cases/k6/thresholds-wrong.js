export const options = { thresholds: { http_reqs: ['count >'], http_req_duration: ['p(101) < 5', 'rate < 1'], checks: ['p(95) < 1'], nothing_like_it: ['count > 1'], iterations: 'count > 1', vus: ['value ~ 3'] } };
export default function () {}
