import http from 'k6/http';
export default function () {
  for (const compression of ['gzip', 'deflate', 'zstd', 'gzip, deflate', 'deflate,zstd']) {
    const reply = http.post(`${__ENV.URL}/unpack`, 'words '.repeat(40), { compression });
    const { as, body } = reply.json();
    console.log(as, body === 'words '.repeat(40), reply.request.body.length < 100);
  }
  const own = { compression: 'gzip', headers: { 'Content-Encoding': 'gzip' } };
  console.log(http.post(`${__ENV.URL}/unpack`, { a: 'b' }, own).json('body'));
  console.log(http.get(`${__ENV.URL}/unpack`, { compression: 'gzip' }).json('as') === '');
}
