import { Trend } from 'k6/metrics';
const gap = new Trend('gap');
let last;
export const options = { iterations: 3, minIterationDuration: '200ms', thresholds: { gap: ['min>=190'], iteration_duration: ['max<100'] } };
export default function () { const now = Date.now(); if (last) gap.add(now - last); last = now; }
