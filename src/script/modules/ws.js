// What `k6/ws` gives: a conversation that a call waits for, with handlers that are called meanwhile.
import native from 'bellwether:native';
import { opened, sendable } from 'bellwether:sockets';

const engine = native.socket;
const EVENTS = ['open', 'message', 'binaryMessage', 'ping', 'pong', 'close', 'error'];

class Failure {
  constructor(words) { this.words = words; }
  error() { return this.words; }
  toString() { return this.words; }
}

class Socket {
  #number;
  #handlers = new Map(EVENTS.map((name) => [name, []]));
  #timers = new Map();
  #last = 0;
  #isClosing = false;
  constructor(number) { this.#number = number; }

  on(event, act) {
    const all = this.#handlers.get(event);
    if (all === undefined) throw new Error(`there is no event \`${event}\`; expected one of ${EVENTS.join(', ')}`);
    if (typeof act !== 'function') throw new TypeError(`on('${event}') takes a function`);
    all.push(act);
  }
  send(text) { engine.send(this.#number, String(text)); }
  sendBinary(data) {
    const bytes = sendable(data);
    if (typeof bytes === 'string') throw new TypeError('sendBinary() takes an ArrayBuffer');
    engine.send(this.#number, bytes);
  }
  ping() { engine.ping(this.#number); }
  close(code = 1000) {
    if (this.#isClosing) return;
    engine.close(this.#number, Number(code), '');
    this.#isClosing = true;
    this.tell('close', Number(code));
  }
  setTimeout(act, delay) { this.#arm(act, delay, false); }
  setInterval(act, every) { this.#arm(act, every, true); }

  #arm(act, delay, repeats) {
    if (typeof act !== 'function') throw new TypeError('a timer needs a function');
    const every = Number(delay);
    if (!(every > 0)) throw new Error('a timer of a socket needs a time above 0 milliseconds');
    this.#timers.set(++this.#last, { act, every, repeats, at: native.now() + every });
  }
  #due() {
    let first;
    for (const [number, timer] of this.#timers) if (!first || timer.at < first[1].at) first = [number, timer];
    return first;
  }
  tell(event, ...what) { for (const act of this.#handlers.get(event)) act(...what); }

  // Calls handlers and timers until it is over.
  listen() {
    for (;;) {
      const [number, timer] = (this.#isClosing ? undefined : this.#due()) ?? [];
      const happened = engine.next(this.#number, timer && Math.max(0, timer.at - native.now()));
      if (!happened) {
        if (timer.repeats) timer.at = native.now() + timer.every;
        else this.#timers.delete(number);
        timer.act();
        continue;
      }
      const [word, value] = happened;
      const isOver = word === 'close' || word === 'error';
      if (!this.#isClosing) {
        if (word === 'text') this.tell('message', value);
        if (word === 'binary') this.tell('binaryMessage', value);
        if (word === 'ping' || word === 'pong') this.tell(word);
        if (word === 'error') this.tell('error', new Failure(value));
        if (isOver) this.tell('close', word === 'close' ? value : 1006);
      }
      if (isOver) return;
    }
  }
}

export function connect(address, ...rest) {
  const act = rest.at(-1);
  if (typeof act !== 'function') throw new TypeError('connect() takes an address and a function');
  const number = opened(String(address), [], rest.length > 1 ? rest[0] : undefined);
  const [word, ...what] = engine.next(number);
  const socket = new Socket(number);
  const isOpen = word === 'open';
  try {
    act(socket);
    if (!isOpen) {
      const [error, reply, throws] = what;
      socket.tell('error', new Failure(error));
      if (throws) throw new Error(error);
      return reply;
    }
    socket.tell('open');
    socket.listen();
  } catch (error) {
    if (isOpen) engine.close(number, 1001, '');
    throw error;
  }
  return what[0];
}

export default { connect };
