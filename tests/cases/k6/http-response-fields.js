import http from 'k6/http';
export default function () {
  const r = http.get(`${__ENV.URL}/echo?a=1`);
  console.log(r.status, r.status_text, r.proto, r.url.endsWith('/echo?a=1'), r.error === '', r.error_code);
  console.log(Object.keys(r.timings).join(), r.timings.duration > 0, r.timings.looking_up);
  console.log(r.headers['Content-Type'], typeof r.body, r.json().query, r.json('path'));
  console.log(r.request.method, r.request.url.endsWith('/echo?a=1'), JSON.stringify(r.cookies));
  console.log(r.remote_ip, r.remote_port > 0, r.tls_version === '', JSON.stringify(r.ocsp.status));
  console.log(Object.keys(JSON.parse(JSON.stringify(r))).join());
}
