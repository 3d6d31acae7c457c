// Takes what is native out of sight before anything else runs, and puts the globals of k6 in place.
import native from 'bellwether:native';

// A view of bytes as a buffer of its own, and anything else as it is.
native.unviewed = (data) => (ArrayBuffer.isView(data)
  ? data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) : data);

const define = (name, value) =>
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });

define('__ENV', new Proxy({}, {
  get: (own, name) => (typeof name === 'string' && !Object.hasOwn(own, name) ? native.variable(name) : own[name]),
  has: (own, name) => name in own || (typeof name === 'string' && native.variable(name) !== undefined),
  ownKeys: (own) => [...new Set([...Reflect.ownKeys(own), ...native.variables()])],
  getOwnPropertyDescriptor: (own, name) => {
    const known = Reflect.getOwnPropertyDescriptor(own, name);
    const value = known || typeof name !== 'string' ? undefined : native.variable(name);
    return known ?? (value === undefined ? undefined : { value, writable: true, enumerable: true, configurable: true });
  },
}));

Object.defineProperty(globalThis, '__VU', { get: () => native.fact('vu'), configurable: true });
Object.defineProperty(globalThis, '__ITER', {
  get: () => (native.fact('isIteration') ? native.fact('iteration') : undefined),
  configurable: true,
});
define('global', globalThis);
const given = new Map();
define('require', (name) => {
  const all = native.require(String(name));
  if (all.__commonjs) return all.default;
  // Who was made of a module looks for this.
  if (!given.has(all)) given.set(all, Object.assign(Object.create(null, { __esModule: { value: true } }), all));
  return given.get(all);
});
define('open', (path, mode) => native.open(String(path), mode === 'b'));

// ---- console ----

const shown = (value, inside) => {
  if (typeof value === 'string') return inside ? JSON.stringify(value) : value;
  if (value instanceof Error) return String(value.stack ? `${value}\n${value.stack}` : value);
  if (typeof value === 'function') return '[object Function]';
  if (value === undefined || typeof value === 'symbol' || typeof value === 'bigint') return String(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
};
const said = (level) => (...all) => native.log(level, all.map((one) => shown(one, false)).join(' ').toWellFormed());
define('console', {
  log: said('info'), info: said('info'), debug: said('debug'), warn: said('warning'), error: said('error'),
  trace: said('debug'),
  table: said('info'),
  assert: (holds, ...all) => { if (!holds) said('error')('Assertion failed:', ...all); },
});

// ---- timers ----

let number = 0;
const timers = new Map();
const later = (repeats) => (act, delay = 0, ...given) => {
  if (typeof act !== 'function') throw new TypeError('a timer needs a function');
  const every = Math.max(0, Number(delay) || 0);
  native.arm();
  timers.set(++number, { at: native.now() + every, every, repeats, act, given, number });
  return number;
};
const stop = (timer) => { timers.delete(Number(timer)); };
define('setTimeout', later(false));
define('setInterval', later(true));
define('clearTimeout', stop);
define('clearInterval', stop);
define('queueMicrotask', (act) => { Promise.resolve().then(act); });

const due = () => {
  let first;
  for (const timer of timers.values()) {
    if (!first || timer.at < first.at || (timer.at === first.at && timer.number < first.number)) first = timer;
  }
  return first;
};

// ---- text ----

define('TextEncoder', class TextEncoder {
  get encoding() { return 'utf-8'; }
  encode(text = '') { return new Uint8Array(native.encode(String(text))); }
});
define('TextDecoder', class TextDecoder {
  get encoding() { return 'utf-8'; }
  decode(bytes = new ArrayBuffer(0)) {
    return native.decode(native.unviewed(bytes));
  }
});

define('crypto', {
  getRandomValues(array) {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    bytes.set(new Uint8Array(native.random(array.byteLength)));
    return array;
  },
  randomUUID() {
    const bytes = new Uint8Array(native.random(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  },
});

// ---- what the engine calls ----

export default {
  // Performs the timer that is due; when the next one is, in milliseconds from now, or -1.
  turn() {
    const first = due();
    if (first && first.at <= native.now()) {
      if (first.repeats) first.at = native.now() + Math.max(1, first.every);
      else timers.delete(first.number);
      first.act(...first.given);
    }
    const next = due();
    return next ? Math.max(0, next.at - native.now()) : -1;
  },
  // What handleSummary gives, with bytes as JSON can hold them.
  written(files) {
    if (files === null || typeof files !== 'object') return files;
    return Object.fromEntries(Object.entries(files).map(([name, content]) => {
      const bytes = native.unviewed(content);
      return [name, bytes instanceof ArrayBuffer ? { __bytes: native.b64encode(bytes, 'std') } : content];
    }));
  },
  // Forgets what was cut off.
  clear() {
    timers.clear();
    native.waiting.clear();
    native.sockets.clear();
  },
  happened(number, what) { native.sockets.get(number)?.(...what); },
  arrived(number, reply, error) {
    const waiting = native.waiting.get(number);
    native.waiting.delete(number);
    waiting?.(reply, error);
  },
};
native.waiting = new Map();
native.sockets = new Map();
