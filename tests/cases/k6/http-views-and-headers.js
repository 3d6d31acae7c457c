import http from 'k6/http';
export default function () {
  const view = new TextEncoder().encode('hello world').subarray(6);
  console.log(new TextDecoder().decode(view), http.post(`${__ENV.URL}/echo`, view).json('body'));
  console.log(http.post(`${__ENV.URL}/echo`, { file: http.file(view, 'a.txt') }).json('body').includes('\r\n\r\nworld\r\n'));
  const twice = http.get(`${__ENV.URL}/echo`, { headers: { 'x-test': '1', 'X-Test': '2' } });
  console.log(twice.json('x'), JSON.stringify(twice.request.headers['X-Test']));
  const named = http.get(`${__ENV.URL}/echo`.replace('http://', 'http://user:word@'), { headers: { Authorization: 'Bearer x' } });
  console.log(named.json('authorization'));
  console.log(http.get(`${__ENV.URL}/cookies`, { cookies: { a: 1, none: null, not: undefined } }).json('cookie'));
}
