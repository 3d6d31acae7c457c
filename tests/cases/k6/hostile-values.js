import http from 'k6/http';
import { check } from 'k6';
import { Trend } from 'k6/metrics';
const t = new Trend('tt');
const angry = { toString() { throw new Error('no text'); }, get a() { throw new Error('no a'); } };
const circle = {}; circle.c = circle;
export default function () {
  const acts = [
    () => http.get(angry), () => http.get(__ENV.URL, { headers: { a: angry } }), () => http.get(__ENV.URL, angry),
    () => http.get(__ENV.URL, { get headers() { throw new Error('no headers'); } }), () => http.post(__ENV.URL, circle).status,
    () => check(1, { get x() { throw new Error('no x'); } }), () => check(1, new Proxy({}, { ownKeys() { throw new Error('no keys'); } })),
    () => t.add(angry), () => t.add(1, circle), () => console.log(angry), () => http.get(__ENV.URL, { tags: { a: Symbol('s') } }),
    () => http.get(__ENV.URL, { timeout: -5 }).status, () => http.get(__ENV.URL, { timeout: NaN }).status, () => http.get(__ENV.URL, { redirects: -1 }).status,
    () => http.get(__ENV.URL, { headers: { 'a b': '1' } }).error_code, () => http.get(__ENV.URL, { headers: { ok: 'a\nb' } }).error_code,
    () => http.request('GE T', __ENV.URL).error_code, () => http.batch([null]), () => http.batch(5), () => http.get(),
    () => http.get(__ENV.URL, { jar: { __number: 99 } }).status, () => http.expectedStatuses('x'), () => new http.CookieJar().set('nope', 'a', 'b'),
  ];
  for (const act of acts) { try { console.log(String(act())); } catch (error) { console.log('thrown:', error.message); } }
}
