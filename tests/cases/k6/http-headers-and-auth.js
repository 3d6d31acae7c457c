import http from 'k6/http';
export default function () {
  let r = http.get(`${__ENV.URL}/echo`, { headers: { 'X-Test': 7, Authorization: 'Bearer a' } });
  console.log(r.json('x'), r.json('authorization'));
  r = http.get(__ENV.URL.replace('//', '//us%20er:pa%3Ass@') + '/echo');
  console.log(r.json('authorization'));
  r = http.get(`${__ENV.URL}/two-headers`);
  console.log(r.headers['X-One']);
}
