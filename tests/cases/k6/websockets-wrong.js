import { WebSocket, Blob } from 'k6/websockets';
export default async function () {
  for (const wrong of [() => new WebSocket('http://x/'), () => new WebSocket(), () => new WebSocket('ws://[bad'), () => WebSocket('ws://x'), () => new Blob([1]), () => new Blob(7), () => { new WebSocket(`${__ENV.WS}/close`).binaryType = 'text'; }, () => new WebSocket(`${__ENV.WS}/close`).addEventListener('opened', () => {}), () => new WebSocket(`${__ENV.WS}/close`).ping(), () => new WebSocket(`${__ENV.WS}/close`).close(7), () => new WebSocket(`${__ENV.WS}/close`).close(1000, 'x'.repeat(200))]) {
    try { wrong(); console.log('nothing was thrown'); } catch (error) { console.log(error.message); }
  }
  const blob = new Blob(['ab', new Uint8Array([99]), new Blob(['d'])], { type: 'text/plain' });
  console.log(await blob.text(), await blob.slice(1, 3).text(), blob.size, blob.type, (await blob.bytes()).length);
}
