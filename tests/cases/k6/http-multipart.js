import http from 'k6/http';
export default function () {
  const r = http.post(`${__ENV.URL}/echo`, { field: 'v', doc: http.file('content', 'a "b".txt', 'text/plain') });
  const mark = r.json('type').split('boundary=')[1];
  console.log(r.json('type').split(';')[0]);
  console.log(r.json('body').split(mark).join('MARK'));
}
