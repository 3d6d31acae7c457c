// Whatever is given to whatever there is: it comes back or throws, and nothing of it is seen by the next one.
// flags: --log-output none
import * as k6 from 'k6';
import * as crypto from 'k6/crypto';
import * as data from 'k6/data';
import * as encoding from 'k6/encoding';
import * as csv from 'k6/experimental/csv';
import * as fs from 'k6/experimental/fs';
import execution from 'k6/execution';
import * as html from 'k6/html';
import * as http from 'k6/http';
import * as metrics from 'k6/metrics';
import * as timers from 'k6/timers';
import * as secrets from 'k6/secrets';
import * as websockets from 'k6/websockets';
import * as ws from 'k6/ws';
import * as summary from 'https://jslib.k6.io/k6-summary/0.1.0/index.js';
import * as utils from 'https://jslib.k6.io/k6-utils/1.4.0/index.js';
import { URL, URLSearchParams } from 'https://jslib.k6.io/url/1.0.0/index.js';
import { FormData } from 'https://jslib.k6.io/formdata/0.0.2/index.js';

const modules = {
  k6, crypto, data, encoding, csv, fs, html, http, metrics, timers, secrets, websockets, ws, summary, utils,
  execution, url: { URL, URLSearchParams }, formdata: { FormData }, web: globalThis.crypto,
};
// These end what they are called in, wait for as long as they are told, or count as far as they are told.
const left = new Set(['fail', 'abort', 'sleep', 'setInterval', 'randomString', 'normalDistributionStages']);
const circular = { a: 1 };
circular.self = circular;
const deep = () => { let value = []; for (let at = 0; at < 5000; at += 1) value = [value]; return value; };
const values = [
  undefined, null, true, 0, -0, -1, 1.5, NaN, Infinity, 2 ** 53, 1e308, 10n, '', 'text', '\u0000', '\ud800', 'é'.repeat(50),
  'http://127.0.0.1:1/', 'http://[', 'ws://127.0.0.1:1/', Symbol('s'), [], {}, [[[]]], new Array(1e6), circular, deep(), () => 1, () => { throw new Error('thrown'); },
  async () => 1, new Map([[1, 2]]), new Set([1]), new Date(NaN), /a/g, new Proxy({}, { get() { throw new Error('a trap'); } }),
  new Proxy(() => 1, {}), { toString() { throw new Error('no text'); } }, { toString: () => ({}) }, { valueOf() { throw new Error('no value'); } },
  { get headers() { throw new Error('no headers'); } }, { headers: { a: Symbol('s') }, tags: { b: {} }, timeout: -1, cookies: circular },
  { timeout: '1ms', redirects: -5, auth: {}, compression: 7, responseType: 'other', jar: {} }, { length: 1e9 }, { length: -1 },
  { then() { throw new Error('no promise'); } }, new ArrayBuffer(8), new Uint8Array([255, 0, 128]), new Float64Array(2), Object.create(null),
  'a'.repeat(1e5), '<p>'.repeat(300), '{"a":[1,2,{"b":null}]}', 'a,b\n1,"2', '#(x==', '..#.@this|', '%%%', '../..', '/etc', Object.freeze([1]),
];
let state = 1;
const random = (most) => {
  state = (state * 1103515245 + 12345) % 2147483648;
  return Math.floor((state / 2147483648) * most);
};
const some = () => Array.from({ length: random(4) }, () => values[random(values.length)]);
let calls = 0;
const tried = (act) => {
  calls += 1;
  try {
    const made = act();
    if (made !== null && typeof made === 'object' && typeof made.catch === 'function') made.catch(() => 1);
    return made;
  } catch (error) {
    return undefined;
  }
};
const names = (of) => {
  const all = new Set();
  for (let at = of, depth = 0; at !== null && at !== Object.prototype && at !== Function.prototype && depth < 3; depth += 1) {
    for (const name of Object.getOwnPropertyNames(at)) all.add(name);
    at = Object.getPrototypeOf(at);
  }
  return [...all].filter((name) => !left.has(name));
};
const every = (of, times, depth) => {
  for (const name of names(of)) {
    let found;
    try { found = of[name]; } catch (error) { continue; }
    if (found !== null && typeof found === 'object' && depth > 0 && !ArrayBuffer.isView(found)) every(found, 2, depth - 1);
    if (typeof found !== 'function') continue;
    for (let time = 0; time < times; time += 1) {
      const made = tried(() => (random(3) === 0 ? new found(...some()) : found.apply(random(5) === 0 ? values[random(values.length)] : of, some())));
      if (made !== null && typeof made === 'object' && depth > 0 && random(4) === 0) every(made, 1, depth - 1);
    }
  }
};

const whole = new metrics.Counter('came_to_the_end');
export const options = {
  scenarios: { each: { executor: 'per-vu-iterations', vus: 2, iterations: 2 } },
  thresholds: { came_to_the_end: ['count==4'] },
};
export default function () {
  // A user finds nothing of another one, nor of an iteration that something was done to on purpose.
  if (globalThis.mark !== undefined && globalThis.mark !== __VU) throw new Error('another user is seen');
  globalThis.mark = __VU;
  state = 1 + __VU * 7919 + __ITER;
  for (const [name, of] of Object.entries(modules)) if (of) every(of, 6, name === 'execution' ? 1 : 2);
  if (calls < 500) throw new Error(`only ${calls} calls`);
  whole.add(1);
}
