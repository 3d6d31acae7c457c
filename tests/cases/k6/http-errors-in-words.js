import http from 'k6/http';
import { sleep } from 'k6';
export default function () {
  for (const reply of [
    http.get(`${__ENV.URL}/`, { headers: { 'a b': 'x' } }),
    http.request('no method', `${__ENV.URL}/`),
    http.get('http://127.0.0.1:99999/'),
  ]) console.log(reply.status, reply.error_code, reply.error);
  try { http.get('http://127.0.0.1:99999/').json(); } catch (error) { console.log(error.message); }
  try { http.get(`${__ENV.URL}/`, { responseType: 'none' }).json(); } catch (error) { console.log(error.message); }
}
