import http from 'k6/http';
export default function () {
  const r = http.get(`${__ENV.URL}/set-cookie?a=1;Max-Age=60;Domain=127.0.0.1&b=two;Secure&a=3`);
  console.log(JSON.stringify(r.cookies.a), r.cookies.b[0].secure, r.cookies.b[0].value);
  console.log(http.get(`${__ENV.URL}/cookies`).json('cookie'));
  console.log(http.get(`${__ENV.URL}/cookies`, { cookies: { own: 'x', a: { value: '9', replace: true } } }).json('cookie'));
}
