import http from 'k6/http';
export default function () {
  for (const params of [{ auth: 'digest' }, { compression: 'gzip' }]) {
    try { http.get(__ENV.URL, params); } catch (error) { console.log(error.message); }
  }
}
