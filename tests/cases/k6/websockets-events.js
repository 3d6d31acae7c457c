import { WebSocket, Blob } from 'k6/websockets';
import { setTimeout } from 'k6/timers';
export default function () {
  const socket = new WebSocket(`${__ENV.WS}/echo`, ['chat.v1', 'chat.v2']);
  console.log(socket.readyState, socket.url.startsWith('ws'), socket.binaryType, WebSocket.OPEN, socket.CLOSED);
  try { socket.send('too early'); } catch (error) { console.log(error.message); }
  socket.addEventListener('open', () => { console.log('open', socket.readyState, socket.protocol); socket.send('text'); socket.send(new Uint8Array([7, 8])); });
  socket.onmessage = async (event) => {
    if (typeof event.data === 'string') { console.log(event.type, event.data); if (event.data === 'last') socket.close(4003, 'bye'); return; }
    console.log('blob', event.data instanceof Blob, event.data.size, new Uint8Array(await event.data.arrayBuffer()).join());
    socket.binaryType = 'arraybuffer';
    setTimeout(() => { socket.send(new Blob(['la', 'st'])); socket.onmessage = (again) => { console.log(again.data.byteLength); socket.close(4003, 'bye'); console.log(socket.readyState); }; }, 10);
  };
  socket.onclose = (event) => console.log('close', event.code, event.reason, socket.readyState);
  const refused = new WebSocket(`${__ENV.WS}/refuse`);
  refused.onerror = (event) => console.log(event.type, event.error);
  refused.addEventListener('close', (event) => console.log('refused', event.code));
}
