import http from 'k6/http';
export default function () {
  const r = http.post(`${__ENV.URL}/echo?a=1`, { b: 2, c: ['x', 'y'] }, { headers: { 'x-test': 'yes', 'X-Other': 1 }, cookies: { k: 'v' } });
  console.log(r.request.method, r.request.url.endsWith('/echo?a=1'), r.request.body, JSON.stringify(r.request.headers['X-Test']), JSON.stringify(r.request.headers['Content-Type']), JSON.stringify(r.request.cookies));
  const moved = http.post(`${__ENV.URL}/moved/302`, 'body');
  console.log(moved.request.method, moved.url.endsWith('/echo'), moved.json('method'));
}
