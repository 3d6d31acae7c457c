import http from 'k6/http';
export default function () {
  const u = `${__ENV.URL}/echo`;
  let r = http.post(u, { b: 'x y&z', a: [1, 2], c: true, 'd+': "it's (ok)!*" });
  console.log(r.json('type'), r.json('body'));
  r = http.post(u, { n: { nested: 1 } });
  console.log(JSON.stringify(r.json('body')));
  r = http.post(u, { a: 1 }, { headers: { 'content-TYPE': 'text/x' } });
  console.log(r.json('type'), r.json('body'));
  r = http.post(u, JSON.stringify({ a: 1 }), { headers: { 'Content-Type': 'application/json' } });
  console.log(r.json('type'), r.json('body'));
  r = http.post(u, new Uint8Array([65, 66]).buffer);
  console.log(r.json('body'));
}
