// summary
import http from 'k6/http';
import { check, group, sleep } from 'k6';
import { Rate, Trend } from 'k6/metrics';
const errors = new Rate('errors');
const latency = new Trend('private_latency', true);
export const options = {
  scenarios: { smoke: { executor: 'shared-iterations', vus: 2, iterations: 4, exec: 'flow' } },
  thresholds: { errors: ['rate<0.01'], 'http_req_duration{name:private}': ['p(95)<2000'], checks: ['rate>0.99'] },
};
export function setup() {
  const r = http.post(`${__ENV.URL}/login`, JSON.stringify({ user: 'a' }), { headers: { 'Content-Type': 'application/json' } });
  return { token: r.json('token') };
}
export function flow(data) {
  group('private', () => {
    const r = http.get(`${__ENV.URL}/private`, { headers: { Authorization: `Bearer ${data.token}` }, tags: { name: 'private' } });
    latency.add(r.timings.waiting);
    errors.add(!check(r, { 'status is 200': (x) => x.status === 200, 'is ok': (x) => x.json('ok') === true }));
  });
  sleep(0.05);
}
