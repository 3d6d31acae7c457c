import { Counter, Gauge, Rate, Trend } from 'k6/metrics';
export const options = { thresholds: {
  my_counter: ['count == 6', 'count <= 6', 'count >= 6', 'count === 6', 'count != 5'], my_gauge: ['value == 3', 'value<4'], my_rate: ['rate == 0.75', 'rate>0.7'],
  my_trend: ['avg == 2.5', 'min == 1', 'max == 4', 'med == 2.5', 'p(50) == 2.5', 'p(100) == 4', 'p(0) == 1', 'p(95) > 3.8', 'avg < 1e1'],
} };
const [c, g, r, t] = [new Counter('my_counter'), new Gauge('my_gauge'), new Rate('my_rate'), new Trend('my_trend')];
export default function () {
  for (const one of [1, 2, 3]) { c.add(one); g.add(one); }
  for (const one of [true, 1, 2, 0]) r.add(one);
  for (const one of [4, 1, 3, 2]) t.add(one);
}
