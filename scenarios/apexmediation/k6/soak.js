// An hour of what users do most, slowly: memory, connections and latency must not drift.
import http from 'k6/http';
import { check, sleep } from 'k6';
import { backend, bearer, limits, needed, organization, pause, vus } from './shared.js';

const token = needed('BILLING_API_TOKEN');
export const options = { vus, duration: __ENV.DURATION || '60m', thresholds: limits(500) };

export default function () {
  const health = http.get(`${backend}/health`);
  check(health, { 'the backend is well': (r) => r.status === 200 });
  const invoices = http.get(`${backend}/api/v1/billing/invoices?organizationId=${organization}`, bearer(token));
  check(invoices, { 'invoices are there': (r) => r.status === 200 });
  sleep(pause);
}
