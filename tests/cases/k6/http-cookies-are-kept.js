import http from 'k6/http';
export const options = { iterations: 2, noCookiesReset: true };
export default function () {
  console.log(JSON.stringify(http.get(`${__ENV.URL}/cookies`).json('cookie')));
  http.get(`${__ENV.URL}/set-cookie?a=${__ITER}`);
}
