import { WebSocket } from 'k6/websockets';
import http from 'k6/http';
import { sleep } from 'k6';
export const options = { iterations: 2, thresholds: { ws_sessions: ['count == 8'], ws_msgs_received: ['count == 8', 'count < 9'] } };
export default function () {
  let left = 4;
  for (let number = 0; number < 4; number += 1) {
    const socket = new WebSocket(`${__ENV.WS}/echo?${number}`, null, { tags: { number: `${number}` } });
    socket.onopen = () => { socket.send(`${number}`); sleep(0.01); if (number === 0) console.log(http.get(`${__ENV.URL}/text`).body); };
    socket.onmessage = (event) => { socket.close(); if (event.data !== `${number}`) throw new Error(event.data); };
    socket.onclose = () => { left -= 1; if (left === 0) console.log('all are over'); };
  }
}
