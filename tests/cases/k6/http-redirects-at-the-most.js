// flags: --max-redirects 2
import http from 'k6/http';
export default function () { const r = http.get(`${__ENV.URL}/redirect/5`); console.log(r.status, r.headers.Location); }
