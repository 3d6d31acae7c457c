import http, { url } from 'k6/http';
export const options = { thresholds: { 'http_reqs{name:http://x/items/${}/of/${}}': ['count==0'] } };
export default function () {
  const r = http.get(url`${__ENV.URL}/items/${7}/of/${'a b'}`);
  console.log(r.json('path'));
}
