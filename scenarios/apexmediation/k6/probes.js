// The two health paths and the console, as a balancer asks for them.
import http from 'k6/http';
import { check } from 'k6';
import { backend, duration, limits } from './shared.js';

export const options = {
  scenarios: {
    probes: { executor: 'constant-arrival-rate', rate: 1, timeUnit: '1s', duration, preAllocatedVUs: 2 },
  },
  thresholds: limits(500),
};

export default function () {
  for (const [name, reply] of Object.entries(http.batch({
    health: `${backend}/health`,
    api: `${backend}/api/v1/health`,
  }))) check(reply, { [`${name} is well`]: (r) => r.status === 200 });
}
