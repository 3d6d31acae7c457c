// summary
import { textSummary, jUnit } from 'https://jslib.k6.io/k6-summary/0.1.0/index.js';
import { check } from 'k6';
export const options = { iterations: 2, thresholds: { checks: ['rate==1'], iterations: ['count>5'] } };
export function setup() { return { a: 1 }; }
export default function () { check(1, { one: true }); }
export function handleSummary(data) {
  const known = data.metrics.checks;
  return {
    stdout: textSummary(data, { indent: '  ', enableColors: false }),
    stderr: `${Object.keys(data).join()} ${JSON.stringify(known)} ${JSON.stringify(data.root_group)} ${JSON.stringify(data.setup_data)}\n`,
    'junit.xml': jUnit(data),
    'data.json': JSON.stringify(data.options),
  };
}
