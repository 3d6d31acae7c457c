import http from 'k6/http';
export default function () {
  const u = __ENV.URL;
  const list = http.batch([`${u}/a`, ['POST', `${u}/b`, 'x', { tags: { name: 'B' } }], { method: 'PUT', url: `${u}/c`, body: 'y' }]);
  console.log(list.map((r) => `${r.json('method')} ${r.json('path')} ${r.json('body')}`).join(', '));
  const named = http.batch({ one: `${u}/1`, two: ['GET', `${u}/2`] });
  console.log(Object.keys(named).join(), named.two.json('path'));
  console.log(http.batch([]).length);
}
