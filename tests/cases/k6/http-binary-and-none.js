import http from 'k6/http';
export default function () {
  const u = `${__ENV.URL}/text`;
  const r = http.get(u, { responseType: 'binary' });
  console.log(r.body instanceof ArrayBuffer, r.body.byteLength);
  console.log(JSON.stringify(http.get(u, { responseType: 'none' }).body));
  http.get(u, { responseType: 'xml' });
}
