import http from 'k6/http';
export const options = { iterations: 2 };
const known = new http.CookieJar();
let before;
export default function () {
  known.set(__ENV.URL, 'n', String(__ITER));
  const own = new http.CookieJar();
  own.set(__ENV.URL, 'constructor', 'x');
  console.log(__ITER, http.get(`${__ENV.URL}/cookies`, { jar: known }).json('cookie'), JSON.stringify(own.cookiesForURL(__ENV.URL)));
  if (before) {
    try { before.cookiesForURL(__ENV.URL); } catch (error) { console.log(`one of an iteration before: ${error.message}`); }
  }
  before = own;
}
