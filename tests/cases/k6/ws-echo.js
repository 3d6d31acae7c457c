import ws from 'k6/ws';
import { check } from 'k6';
export const options = { thresholds: { ws_sessions: ['count == 1'], ws_msgs_sent: ['count == 3'], ws_msgs_received: ['count == 3'], ws_connecting: ['p(95) < 5000'], ws_session_duration: ['max < 5000'], ws_ping: ['max < 5000'] } };
export default function () {
  const seen = [];
  const res = ws.connect(`${__ENV.WS}/echo`, { headers: { 'X-Test': 'yes' }, tags: { kind: 'chat' } }, function (socket) {
    socket.on('open', () => { seen.push('open'); socket.send('one'); socket.ping(); });
    socket.on('message', (text) => {
      seen.push(text);
      if (text === 'one') socket.sendBinary(new Uint8Array([1, 2]).buffer);
      if (text === 'end') socket.close();
    });
    socket.on('binaryMessage', (data) => { seen.push(`${data.byteLength} bytes`); socket.setTimeout(() => socket.send('end'), 20); });
    socket.on('pong', () => seen.push('pong'));
    socket.on('close', (code) => seen.push(`close ${code}`));
    socket.on('error', (error) => seen.push(error.error()));
  });
  console.log(seen.filter((one) => one !== 'pong').join(', '), seen.includes('pong'));
  console.log(res.status, res.error === '', res.headers.Upgrade, res.url.startsWith('ws://'));
  check(res, { 'it opened': (r) => r.status === 101 });
}
