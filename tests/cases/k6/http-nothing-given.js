import http from 'k6/http';
export default function () {
  console.log(http.post(`${__ENV.URL}/echo`, null, null).json('body'), http.get(`${__ENV.URL}/echo`, null).status, http.request('GET', `${__ENV.URL}/echo`).status, http.post(`${__ENV.URL}/echo`).json('method'));
  console.log(http.get(`${__ENV.URL}/echo`, { headers: null, tags: null, cookies: null, timeout: null }).status, http.post(`${__ENV.URL}/echo`, '').json('type') === '');
  for (const wrong of [undefined, null, {}, 7, '', 'nowhere', 'ftp://x/', '/path']) {
    const r = http.get(wrong);
    console.log(r.status, r.error_code, r.error !== '');
  }
}
