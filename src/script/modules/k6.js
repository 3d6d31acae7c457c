import native from 'bellwether:native';

export function sleep(seconds) {
  const time = Number(seconds);
  if (Number.isNaN(time)) throw new TypeError(`sleep(): ${seconds} is not a number of seconds`);
  native.sleep(Math.max(0, time));
}

export function fail(reason) {
  throw new Error(reason === undefined ? 'fail' : String(reason));
}

export function randomSeed(seed) {
  // A small generator with a state of its own (Blackman and Vigna's splitmix64, in 32 bits).
  let state = Number(seed) >>> 0;
  Math.random = () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 4294967296;
  };
}

const AsyncFunction = (async () => {}).constructor;

export function group(name, act) {
  if (act instanceof AsyncFunction) throw new Error('group() does not take an async function');
  const outer = native.enter(String(name));
  const begin = native.now();
  try {
    return act();
  } finally {
    native.leave(outer, native.now() - begin);
  }
}

export function check(value, checks, tags) {
  let all = true;
  const flat = tags === undefined ? undefined : native.flat(tags);
  // Counted by hand: an iterator costs more than a check.
  const names = Object.keys(checks ?? {});
  for (let at = 0; at < names.length; at += 1) {
    const name = names[at];
    let holds = checks[name];
    if (typeof holds === 'function') {
      try {
        holds = holds(value);
      } catch (error) {
        native.check(name, false, flat);
        throw error;
      }
      if (typeof holds === 'object' && holds instanceof Promise) {
        const isAsync = checks[name] instanceof AsyncFunction;
        throw new Error(`check(): "${name}" ${isAsync ? 'is an async function' : 'gave a promise'}`);
      }
    }
    native.check(name, Boolean(holds), flat);
    if (!holds) all = false;
  }
  return all;
}

export default { sleep, fail, randomSeed, group, check };
