import { Rate, Trend, Counter } from 'k6/metrics';
new Rate('rr'); new Trend('tt'); new Counter('cc');
export const options = { thresholds: { rr: ['rate>0.99'], tt: ['p(95)<500'], cc: ['count==0'] } };
export default function () {}
