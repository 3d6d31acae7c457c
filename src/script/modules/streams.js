// What `k6/experimental/streams` gives: readable streams with one reader (WHATWG Streams, section 4), whose source is asked for
// more as long as less waits than is wanted.
import native from 'bellwether:native';

export class CountQueuingStrategy {
  #mark;
  constructor(about) {
    if (about === null || typeof about !== 'object' || !('highWaterMark' in about)) {
      throw new TypeError('a strategy needs a `highWaterMark`');
    }
    this.#mark = about.highWaterMark;
  }
  get highWaterMark() { return this.#mark; }
  get size() { return () => 1; }
}

// What nobody sees of a stream, by the stream.
const insides = new WeakMap();
const inside = (stream) => {
  if (!insides.has(stream)) throw new TypeError('expected a ReadableStream');
  return insides.get(stream);
};
const later = () => {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  // Whoever does not look at it is not told twice.
  made.promise.catch(() => {});
  return made;
};

const ended = (own) => {
  own.state = 'closed';
  own.source = {};
  if (own.reader === undefined) return;
  own.reader.asked.splice(0).forEach((ask) => ask.resolve({ value: undefined, done: true }));
  own.reader.closed.resolve();
};
const broken = (own, error) => {
  if (own.state !== 'readable') return;
  Object.assign(own, { state: 'errored', error, source: {}, waiting: [], size: 0 });
  if (own.reader === undefined) return;
  own.reader.asked.splice(0).forEach((ask) => ask.reject(error));
  own.reader.closed.reject(error);
};
const wants = (own) => own.state === 'readable' && own.started && !own.closing
  && (own.reader?.asked.length > 0 || own.mark - own.size > 0);

// Asks the source for more, one question at a time.
const pull = (own) => {
  if (own.source.pull === undefined || !wants(own)) return;
  if (own.pulling) {
    own.again = true;
    return;
  }
  own.pulling = true;
  new Promise((resolve) => { resolve(own.source.pull?.(own.controller)); }).then(() => {
    own.pulling = false;
    if (own.again) {
      own.again = false;
      pull(own);
    }
  }, (error) => broken(own, error));
};

const enqueue = (own, value) => {
  if (own.state !== 'readable' || own.closing) throw new TypeError('the stream takes no more');
  if (own.reader?.asked.length > 0) {
    own.reader.asked.shift().resolve({ value, done: false });
  } else {
    let size;
    try {
      size = Number(own.sizeOf(value));
      if (!(size >= 0) || size === Infinity) throw new RangeError(`the size of a chunk is ${size}`);
    } catch (error) {
      broken(own, error);
      throw error;
    }
    own.waiting.push([value, size]);
    own.size += size;
  }
  pull(own);
};
const close = (own) => {
  if (own.state !== 'readable' || own.closing) throw new TypeError('the stream is closed already');
  own.closing = true;
  if (own.waiting.length === 0) ended(own);
};
const read = (own, reader) => {
  if (own.state === 'errored') return Promise.reject(own.error);
  if (own.waiting.length > 0) {
    const [value, size] = own.waiting.shift();
    own.size = Math.max(0, own.size - size);
    if (own.closing && own.waiting.length === 0) ended(own);
    else pull(own);
    return Promise.resolve({ value, done: false });
  }
  if (own.state === 'closed') return Promise.resolve({ value: undefined, done: true });
  const ask = later();
  reader.asked.push(ask);
  pull(own);
  return ask.promise;
};
const cancel = async (own, reason) => {
  if (own.state === 'closed') return;
  if (own.state === 'errored') throw own.error;
  const { source } = own;
  Object.assign(own, { waiting: [], size: 0 });
  ended(own);
  await source.cancel?.(reason);
};

export class ReadableStream {
  constructor(source = {}, strategy = {}) {
    if (source.type !== undefined) throw new RangeError(`a source of the type "${source.type}" is not supported`);
    const mark = strategy.highWaterMark === undefined ? 1 : Number(strategy.highWaterMark);
    if (!(mark >= 0)) throw new RangeError(`a highWaterMark of ${strategy.highWaterMark} is no number from 0 on`);
    const own = {
      state: 'readable', waiting: [], size: 0, mark, sizeOf: strategy.size ?? (() => 1), started: false,
      source: Object.fromEntries(['pull', 'cancel'].map((name) => [name, source[name]?.bind(source)])),
    };
    own.controller = {
      get desiredSize() {
        if (own.state === 'errored') return null;
        return own.state === 'closed' ? 0 : own.mark - own.size;
      },
      enqueue: (value) => enqueue(own, value),
      close: () => close(own),
      error: (error) => broken(own, error),
    };
    insides.set(this, own);
    const begun = source.start?.(own.controller);
    Promise.resolve(begun).then(() => {
      own.started = true;
      pull(own);
    }, (error) => broken(own, error));
  }
  get locked() { return inside(this).reader !== undefined; }
  getReader(about = {}) {
    if (about.mode !== undefined) throw new RangeError(`a reader of the mode "${about.mode}" is not supported`);
    return new ReadableStreamDefaultReader(this);
  }
  async cancel(reason) {
    const own = inside(this);
    if (own.reader !== undefined) throw new TypeError('the stream has a reader');
    return cancel(own, reason);
  }
}

export class ReadableStreamDefaultReader {
  #own;
  #mine = { asked: [], closed: later() };
  constructor(stream) {
    const own = inside(stream);
    if (own.reader !== undefined) throw new TypeError('the stream has a reader already');
    this.#own = own;
    own.reader = this.#mine;
    if (own.state === 'closed') this.#mine.closed.resolve();
    if (own.state === 'errored') this.#mine.closed.reject(own.error);
  }
  get closed() { return this.#mine.closed.promise; }
  async read() {
    if (this.#own === undefined) throw new TypeError('the reader was released');
    return read(this.#own, this.#mine);
  }
  async cancel(reason) {
    if (this.#own === undefined) throw new TypeError('the reader was released');
    return cancel(this.#own, reason);
  }
  releaseLock() {
    if (this.#own === undefined) return;
    const released = new TypeError('the reader was released');
    this.#mine.asked.splice(0).forEach((ask) => ask.reject(released));
    this.#mine.closed.reject(released);
    this.#own.reader = undefined;
    this.#own = undefined;
  }
}

native.ReadableStream = ReadableStream;
export default { ReadableStream, ReadableStreamDefaultReader, CountQueuingStrategy };
