// flags: --throw
import http from 'k6/http';
export default function () {
  try { http.get('http://127.0.0.1:1/'); } catch (error) { console.log('caught', error.message); }
  console.log(http.get('http://127.0.0.1:1/', { throw: false }).status);
  http.get('http://127.0.0.1:1/');
}
