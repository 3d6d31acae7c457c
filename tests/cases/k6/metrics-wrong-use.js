import { Trend, Counter } from 'k6/metrics';
const t = new Trend('kept');
if (__VU === 0) for (const make of [() => new Trend('x'), () => new Trend('a b'), () => new Counter('kept'), () => new Trend('kept') && 'same again']) {
  try { console.log(make()); } catch (error) { console.log(error.message); }
}
export default function () {
  for (const act of [() => t.add('x'), () => t.add(null), () => new Trend('late'), () => t.add(1, { a: {} })]) {
    try { console.log(act()); } catch (error) { console.log(error.message); }
  }
}
