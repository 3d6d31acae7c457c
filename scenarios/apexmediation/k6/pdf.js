// An invoice as a PDF: whole the first time, then by the ETag that each virtual user keeps for itself.
import http from 'k6/http';
import { check, sleep } from 'k6';
import exec from 'k6/execution';
import { backend, bearer, duration, limits, needed, organization, pause, vus } from './shared.js';

const token = needed('BILLING_API_TOKEN');
export const options = { vus, duration, thresholds: limits(800) };

export function setup() {
  const reply = http.get(`${backend}/api/v1/billing/invoices?organizationId=${organization}&limit=1`, bearer(token));
  const invoice = reply.status === 200 ? reply.json('data.0.id') : undefined;
  if (!invoice) exec.test.abort(`there is no invoice to load: the list answered ${reply.status}`);
  return { invoice };
}

let etag;
export default function ({ invoice }) {
  const params = bearer(token);
  if (etag) params.headers['If-None-Match'] = etag;
  const reply = http.get(`${backend}/api/v1/billing/invoices/${invoice}/pdf`, params);
  if (etag) check(reply, { 'not sent twice': (r) => r.status === 304 });
  else check(reply, { 'a PDF': (r) => r.status === 200 && r.headers['Content-Type'].startsWith('application/pdf') });
  etag = reply.headers.Etag || etag;
  sleep(pause);
}
