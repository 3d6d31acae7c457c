import http from 'k6/http';
export default function () {
  const r = http.get('http://127.0.0.1:1/');
  console.log(r.status, r.error, r.error_code, JSON.stringify(r.body), r.timings.duration);
  console.log(http.get('http://no-such-host.invalid/').error_code);
  console.log(http.get('not a url').error_code, http.get('ftp://x/').error_code);
}
