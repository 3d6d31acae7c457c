import ws from 'k6/ws';
import http from 'k6/http';
export default function () {
  for (const address of [`${__ENV.WS}/refuse`, 'ws://127.0.0.1:1/', `${__ENV.WS}/close`, `${__ENV.WS}/abort`]) {
    const seen = [];
    const res = ws.connect(address, (socket) => {
      for (const event of ['open', 'close']) socket.on(event, (code) => seen.push(`${event} ${code ?? ''}`));
      socket.on('error', (error) => seen.push(`error: ${error.error()}`));
    });
    console.log(seen.join(' | '), '=>', res.status, res.error, JSON.stringify(res.body), res.headers['X-Why']);
  }
  for (const wrong of [() => ws.connect('http://x/', () => {}), () => ws.connect('ws://x/'), () => ws.connect(`${__ENV.WS}/echo`, (s) => s.on('massage', () => {})), () => ws.connect(`${__ENV.WS}/echo`, (s) => s.close(1006)), () => ws.connect(`${__ENV.WS}/echo`, (s) => s.on('open', () => { throw new Error('mine'); })), () => ws.connect(`${__ENV.WS}/echo`, { compression: 'deflate' }, () => {}), () => ws.connect(`${__ENV.WS}/echo`, (s) => s.setTimeout(() => {}, 0))]) {
    try { console.log(wrong()); } catch (error) { console.log(error.message); }
  }
  console.log(http.get(`${__ENV.URL}/text`).body);
}
