import http from 'k6/http';
export const options = { iterations: 2 };
export default function () {
  const u = __ENV.URL;
  console.log('at first', JSON.stringify(http.get(`${u}/cookies`).json('cookie')));
  const r = http.get(`${u}/set-cookie?a=1&b=2`);
  console.log(r.cookies.a[0].value, r.cookies.b[0].http_only, JSON.stringify(http.cookieJar().cookiesForURL(u)));
  console.log(http.get(`${u}/cookies`).json('cookie'));
  console.log(http.get(`${u}/cookies`, { cookies: { a: '9', c: { value: '3', replace: true } } }).json('cookie'));
  const own = new http.CookieJar();
  own.set(u, 'own', 'yes', { path: '/' });
  console.log(http.get(`${u}/cookies`, { jar: own }).json('cookie'));
  http.cookieJar().delete(u, 'a');
  console.log(http.get(`${u}/cookies`).json('cookie'));
  http.cookieJar().clear(u);
  console.log(JSON.stringify(http.get(`${u}/cookies`).json('cookie')));
}
