// Lists of invoices, at a rate that the limiter of the backend allows.
import http from 'k6/http';
import { check } from 'k6';
import { backend, bearer, duration, limits, needed, organization, vus } from './shared.js';

const token = needed('BILLING_API_TOKEN');
export const options = {
  scenarios: {
    invoices: {
      executor: 'constant-arrival-rate', rate: Number(__ENV.RATE || 5), timeUnit: '1s', duration,
      preAllocatedVUs: vus, maxVUs: vus * 2,
    },
  },
  thresholds: limits(500),
};

export default function () {
  const reply = http.get(`${backend}/api/v1/billing/invoices?organizationId=${organization}`, bearer(token));
  check(reply, { answered: (r) => r.status === 200, 'with data': (r) => r.status === 200 && r.json('data') !== undefined });
}
