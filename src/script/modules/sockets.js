// What `k6/ws` and `k6/websockets` have in common: how a socket is asked for, and what can be sent.
import native from 'bellwether:native';

native.use('socket');

// Asks for a socket; its number.
export function opened(address, protocols, params) {
  const { headers, tags, jar, compression } = params ?? {};
  if (compression) throw new Error('the compression of messages is not supported');
  return native.socket.open(address, protocols, headers, tags, { jar: jar?.__number });
}

// A message as the engine takes it: a text, or an ArrayBuffer.
export function sendable(data) {
  const content = native.unviewed(data);
  if (typeof content === 'string' || content instanceof ArrayBuffer) return content;
  throw new TypeError('a message is a text, an ArrayBuffer or a view of one');
}
