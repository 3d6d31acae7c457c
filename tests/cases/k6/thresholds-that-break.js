import { Counter, Trend } from 'k6/metrics';
export const options = { thresholds: { my_counter: ['count > 10', 'count > 0'], 'my_trend{a:b}': [{ threshold: 'p(90) < 5' }] } };
const [c, t] = [new Counter('my_counter'), new Trend('my_trend')];
export default function () { c.add(1); t.add(9, { a: 'b' }); t.add(1, { a: 'c' }); }
