import { sleep } from 'k6';
export const options = {
  scenarios: { a: { executor: 'constant-arrival-rate', rate: 10, duration: '1s', preAllocatedVUs: 1, gracefulStop: '5s' } },
  thresholds: { dropped_iterations: ['count>5'] },
};
export default function () { sleep(1.5); }
