import { textSummary, humanizeValue } from 'https://jslib.k6.io/k6-summary/0.1.0/index.js';
import { check } from 'k6';
// summary
export default function () { check(1, { well: () => true }); }
export function handleSummary(data) { return { stdout: textSummary(data, { indent: '>', enableColors: false }).split('\n').filter((line) => line.includes('checks')).join('\n') + '\n' }; }
