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

// ---- what few scripts ask for ----

for (const name of ['TextEncoder', 'TextDecoder', 'crypto']) {
  Object.defineProperty(globalThis, name, {
    configurable: true,
    enumerable: false,
    get() {
      if (native.globals === undefined) native.load('bellwether:globals');
      define(name, native.globals[name]);
      return native.globals[name];
    },
    set(value) { define(name, value); },
  });
}

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
    native.use('crypto');
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
