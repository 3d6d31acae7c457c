import http from 'k6/http';
export default function () {
  const r = http.get(__ENV.SILENT, { timeout: '50ms' });
  console.log(r.status, r.error_code === 1050);
}
