// summary
// flags: --summary-export out.json
import { check, group } from 'k6';
import { Counter } from 'k6/metrics';
const c = new Counter('orders');
export const options = { thresholds: { orders: ['count>5'] } };
export default function () { group('g', () => check(1, { ok: true, no: false })); c.add(2); }
export function handleSummary() { return { stdout: 'mine\n' }; }
