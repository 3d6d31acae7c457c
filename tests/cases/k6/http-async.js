import http from 'k6/http';
export default async function () {
  const u = __ENV.URL;
  const [a, b] = await Promise.all([http.asyncRequest('GET', `${u}/a`), http.asyncRequest('POST', `${u}/b`, 'x')]);
  console.log(a.json('path'), b.json('method'), b.json('body'));
  http.asyncRequest('GET', `${u}/later`).then((r) => console.log('then', r.status));
  console.log('last line');
}
