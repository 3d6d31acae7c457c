import http from 'k6/http';
export default function () {
  const all = http.batch({ a: `${__ENV.URL}/echo?1`, b: ['POST', `${__ENV.URL}/echo`, 'x', { tags: { name: 'b' } }], c: { method: 'PUT', url: `${__ENV.URL}/echo`, body: { k: 'v' } } });
  console.log(Object.keys(all).join(), all.a.json('method'), all.b.json('body'), all.c.json('body'), http.batch([]).length, JSON.stringify(http.batch({})));
  const many = http.batch(Array.from({ length: 30 }, (_, at) => ['GET', `${__ENV.URL}/echo?n=${at}`]));
  console.log(many.every((one, at) => one.json('query') === `n=${at}`));
}
