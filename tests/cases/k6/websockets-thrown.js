import { WebSocket } from 'k6/experimental/websockets';
export const options = { iterations: 2 };
export default function () {
  const socket = new WebSocket(`${__ENV.WS}/echo`);
  socket.onopen = () => { if (__ITER === 0) throw new Error('in a handler'); socket.send('x'); };
  socket.onmessage = (event) => { console.log(event.data); socket.close(); };
}
