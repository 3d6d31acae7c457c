import http from 'k6/http';
export const options = { systemTags: ['status', 'method', 'check'], thresholds: { 'http_reqs{status:200}': ['count == 2'], 'http_reqs{proto:HTTP/1.1}': ['count == 0'], 'http_reqs{name:x}': ['count == 1'], 'http_reqs{own:y}': ['count == 1'], 'http_reqs{group:}': ['count == 0'] } };
export default function () {
  http.get(`${__ENV.URL}/text`, { tags: { own: 'y', name: 'x' } });
  http.get(`${__ENV.URL}/text`);
}
