import { URL, URLSearchParams } from 'https://jslib.k6.io/url/1.0.0/index.js';
import { FormData } from 'https://jslib.k6.io/formdata/0.0.2/index.js';
import http from 'k6/http';
export default function () {
  const u = new URL('../b?x=1 2#h', 'http://Host.test:80/a/c/d');
  u.searchParams.append('y', 'ä&');
  console.log(u.href, u.host, u.pathname, new URLSearchParams({ a: 1, b: 'x y' }).toString());
  const form = new FormData(); form.append('a', 'b');
  const r = http.post(`${__ENV.URL}/echo`, form.body(), { headers: { 'Content-Type': `multipart/form-data; boundary=${form.boundary}` } });
  console.log(r.json('body').includes('name="a"'));
}
