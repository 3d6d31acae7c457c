import { check } from 'k6';
export const options = { thresholds: { checks: ['rate==0.5'] } };
export default function () {
  check(undefined, { first: () => true, second: (v) => v.length > 0, third: () => true });
}
