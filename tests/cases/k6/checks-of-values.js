import { check, group } from 'k6';
export const options = { thresholds: { checks: ['rate == 0.5'], 'checks{kind:x}': ['rate == 1'] } };
export default function () {
  console.log(check(null, { yes: true, no: 0, text: 'x', empty: '' }));
  console.log(check({ a: 1 }, { fn: (value) => value.a === 1 }, { kind: 'x' }), check(1, {}), check(1, { inner: () => false }));
}
