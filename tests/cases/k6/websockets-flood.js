import { WebSocket } from 'k6/websockets';
import { sleep } from 'k6';
export default function () {
  const socket = new WebSocket(`${__ENV.WS}/flood`);
  let [count, bytes, first] = [0, 0, true];
  socket.onmessage = (event) => { if (first) sleep(0.2); first = false; count += 1; bytes += event.data.length; };
  socket.onclose = (event) => console.log(count, bytes, event.code);
}
