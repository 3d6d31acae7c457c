import http from 'k6/http';
export const options = { thresholds: { http_reqs: ['count==10'] } };
export default function () {
  let r = http.get(`${__ENV.URL}/redirect/3`);
  console.log(r.status, r.url.endsWith('/redirect/0'), r.json('at'));
  r = http.get(`${__ENV.URL}/redirect/2`, { redirects: 0 });
  console.log(r.status, r.headers.Location);
  r = http.post(`${__ENV.URL}/moved/302`, 'body');
  console.log(r.json('method'), JSON.stringify(r.json('body')));
  r = http.post(`${__ENV.URL}/moved/307`, 'body');
  console.log(r.json('method'), JSON.stringify(r.json('body')));
  r = http.get(`${__ENV.URL}/echo#part`);
  console.log(r.status);
}
