// summary
// flags: --summary-time-unit s --summary-trend-stats med,p(99.9)
import { Trend } from 'k6/metrics';
const t = new Trend('took', true);
export default function () { t.add(1500); }
