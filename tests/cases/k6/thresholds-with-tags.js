import http from 'k6/http';
import { Trend } from 'k6/metrics';
const size = new Trend('size');
export const options = { iterations: 2, thresholds: {
  'http_reqs{name:first}': ['count == 2'], 'http_reqs{ name : second }': ['count == 4'], 'http_reqs{name:first,status:404}': ['count == 1'],
  'size{kind:big}': ['min > 90'], 'size{kind:small}': ['max < 10'], 'http_req_failed{status:404}': ['rate == 1'], 'checks{check:never}': ['rate == 1'],
} };
export default function () {
  http.get(`${__ENV.URL}/status/${__ITER === 0 ? 404 : 200}`, { tags: { name: 'first' } });
  for (let at = 0; at < 2; at += 1) http.get(`${__ENV.URL}/echo?${at}`, { tags: { name: 'second' } });
  size.add(99, { kind: 'big' });
  size.add(1, { kind: 'small' });
}
