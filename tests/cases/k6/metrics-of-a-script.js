// summary
import { Counter, Gauge, Rate, Trend } from 'k6/metrics';
const c = new Counter('orders');
const g = new Gauge('queue');
const r = new Rate('good');
const t = new Trend('wait_time', true);
const n = new Trend('size');
export const options = {
  iterations: 4,
  summaryTrendStats: ['min', 'p(99)', 'count'],
  thresholds: { orders: ['count==10', 'rate>0'], queue: ['value==3'], good: ['rate==0.75'], wait_time: ['max==30', 'p(50)==15', 'avg==15'], size: ['med==1'] },
};
export default function () {
  c.add(__ITER + 1); g.add(__ITER); r.add(__ITER !== 2); t.add(__ITER * 10); n.add(1);
  if (__ITER === 0) console.log(c.name, Object.keys(c).join());
}
