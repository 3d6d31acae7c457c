// What `k6/websockets` gives: WebSockets as browsers have them (WHATWG), and what binary messages come as.
import native from 'bellwether:native';
import { opened, sendable } from 'bellwether:sockets';

native.use('crypto');

const EVENTS = ['open', 'message', 'error', 'close', 'ping', 'pong'];
const STATES = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 };

export class Blob {
  #bytes;
  constructor(parts = [], about = {}) {
    const pieces = [...parts].map((part) => {
      if (part instanceof Blob) return part.#bytes;
      const piece = typeof part === 'string' ? native.encode(part) : sendable(part);
      return new Uint8Array(piece);
    });
    this.#bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      this.#bytes.set(piece, at);
      at += piece.length;
    }
    this.type = String(about.type ?? '').toLowerCase();
  }
  static content(blob) { return blob.#bytes.buffer.slice(0); }
  get size() { return this.#bytes.length; }
  slice(start, end, type = '') { return new Blob([this.#bytes.slice(start, end)], { type }); }
  async arrayBuffer() { return Blob.content(this); }
  async bytes() { return new Uint8Array(Blob.content(this)); }
  async text() { return native.decode(Blob.content(this)); }
  stream() {
    if (native.ReadableStream === undefined) native.load('k6/experimental/streams');
    const all = new Uint8Array(Blob.content(this));
    const start = (controller) => {
      if (all.length > 0) controller.enqueue(all);
      controller.close();
    };
    return new native.ReadableStream({ start });
  }
}

export class WebSocket {
  #number;
  #state = STATES.CONNECTING;
  #listeners = new Map(EVENTS.map((name) => [name, new Set()]));
  #binaryType = 'blob';
  #protocol = '';

  constructor(address, protocols, params) {
    this.url = String(address);
    const wanted = protocols === undefined || protocols === null ? [] : [protocols].flat().map(String);
    this.#number = opened(this.url, wanted, params);
    for (const name of EVENTS) this[`on${name}`] = undefined;
    native.sockets.set(this.#number, (word, ...what) => this.#happened(word, what));
  }

  get readyState() { return this.#state; }
  get bufferedAmount() { return native.socket.waiting(this.#number); }
  get extensions() { return ''; }
  get protocol() { return this.#protocol; }
  get binaryType() { return this.#binaryType; }
  set binaryType(type) {
    if (type !== 'blob' && type !== 'arraybuffer') throw new Error(`unknown binaryType \`${type}\`; expected \`blob\` or \`arraybuffer\``);
    this.#binaryType = type;
  }

  addEventListener(event, act) {
    const all = this.#listeners.get(event);
    if (all === undefined) throw new Error(`there is no event \`${event}\`; expected one of ${EVENTS.join(', ')}`);
    if (typeof act !== 'function') throw new TypeError('a listener is a function');
    all.add(act);
  }
  removeEventListener(event, act) { this.#listeners.get(event)?.delete(act); }

  send(data) {
    if (this.#state === STATES.CONNECTING) throw new Error('InvalidStateError: the WebSocket is not open yet');
    if (this.#state !== STATES.OPEN) throw new Error('InvalidStateError: the WebSocket is not open any more');
    native.socket.send(this.#number, data instanceof Blob ? Blob.content(data) : sendable(data));
  }
  ping() {
    if (this.#state !== STATES.OPEN) throw new Error('InvalidStateError: the WebSocket is not open');
    native.socket.ping(this.#number);
  }
  close(code = 1000, reason = '') {
    if (this.#state >= STATES.CLOSING) return;
    native.socket.close(this.#number, Number(code), String(reason));
    this.#state = STATES.CLOSING;
  }

  #tell(type, about) {
    const event = { type, target: this, timestamp: Date.now(), ...about };
    const own = this[`on${type}`];
    if (typeof own === 'function') own.call(this, event);
    for (const act of [...this.#listeners.get(type)]) act.call(this, event);
  }
  #ended(code, reason) {
    this.#state = STATES.CLOSED;
    native.sockets.delete(this.#number);
    this.#tell('close', { code, reason, wasClean: code !== 1006 });
  }
  #happened(word, what) {
    if (word === 'open') {
      if (this.#state === STATES.CONNECTING) this.#state = STATES.OPEN;
      this.#protocol = what[0].headers['Sec-Websocket-Protocol'] ?? '';
      this.#tell('open');
    }
    if (word === 'text') this.#tell('message', { data: what[0] });
    if (word === 'binary') this.#tell('message', { data: this.#binaryType === 'blob' ? new Blob([what[0]]) : what[0] });
    if (word === 'ping' || word === 'pong') this.#tell(word);
    if (word === 'close') this.#ended(...what);
    if (word === 'refused' || word === 'error') {
      this.#state = STATES.CLOSED;
      this.#tell('error', { error: what[0] });
      this.#ended(1006, '');
    }
  }
}
for (const [name, value] of Object.entries(STATES)) {
  Object.defineProperty(WebSocket, name, { value, enumerable: true });
  Object.defineProperty(WebSocket.prototype, name, { value, enumerable: true });
}

export default { WebSocket, Blob };
