import http from 'k6/http';
export default function () {
  for (const params of [{ auth: 'ntlm' }, { compression: 'br' }, { compression: 'gzip, lzma' }]) {
    try { http.post(__ENV.URL, 'text', params); } catch (error) { console.log(error.message); }
  }
}
