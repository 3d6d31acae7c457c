import { sleep } from 'k6';
export const options = { scenarios: { s: { executor: 'shared-iterations', vus: 1, iterations: 50, maxDuration: '1s', gracefulStop: '0s' } }, thresholds: { dropped_iterations: ['count > 40'], iterations: ['count < 10'] } };
export default function () { sleep(0.3); }
