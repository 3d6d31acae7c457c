import http from 'k6/http';
export default function () {
  const text = 'x'.repeat(10e6);
  const r = http.post(`${__ENV.URL}/echo`, text);
  console.log(r.status, r.json('body').length);
}
