import ws from 'k6/ws';
import http from 'k6/http';
export default function () {
  const jar = http.cookieJar();
  jar.set(__ENV.WS.replace('ws', 'http'), 'own', 'jar');
  const seen = [];
  ws.connect(`${__ENV.WS}/greet`, { headers: { 'X-Test': 'ann' } }, (socket) => {
    socket.on('message', (text) => seen.push(text));
    socket.on('close', (code) => seen.push(code));
  });
  ws.connect(`${__ENV.WS}/echo`, (socket) => {
    let count = 0;
    socket.setInterval(() => { count += 1; seen.push(`tick ${count}`); if (count === 3) socket.close(4000); }, 10);
    socket.on('close', (code) => seen.push(code));
  });
  ws.connect(`${__ENV.WS}/ping`, (socket) => {
    socket.on('ping', () => { seen.push('ping'); socket.close(); });
  });
  console.log(seen.join(' | '));
}
