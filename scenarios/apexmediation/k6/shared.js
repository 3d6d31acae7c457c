// What the suites of this folder have in common: where they go, how long, and the summary as a file.
import http from 'k6/http';
import { check } from 'k6';
import { textSummary } from 'https://jslib.k6.io/k6-summary/0.1.0/index.js';

export const vus = Number(__ENV.VUS || 5);
export const duration = __ENV.DURATION || '1m';
export const pause = Number(__ENV.SLEEP || 1);
// A gate says where its services are.
export const backend = __ENV.API_BASE_URL || __ENV.BASE_URL || __ENV.BACKEND_URL || 'https://apexmediation-backend-prod.fly.dev';
export const fraud = __ENV.FRAUD_BASE_URL || __ENV.BASE_URL || __ENV.FRAUD_URL || 'https://apexmediation-fraud-prod.fly.dev';
export const organization = __ENV.BILLING_ORG_ID || '';

// A limit on the slowest, the failed and the wrong answers: without one of them k6 ends with 0 whatever happens.
export const limits = (p95) => ({
  http_req_duration: [`p(95)<${p95}`],
  http_req_failed: ['rate<0.01'],
  checks: ['rate>0.99'],
});

export const bearer = (token) => ({ headers: { Authorization: `Bearer ${token}` } });

// A test without its token measures refusals.
export function needed(name) {
  const value = __ENV[name] || __ENV.API_TOKEN;
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

// A rate that the limiter of the backend allows.
export const atARate = (name) => ({
  scenarios: {
    [name]: {
      executor: 'constant-arrival-rate', rate: Number(__ENV.RATE || 5), timeUnit: '1s', duration,
      preAllocatedVUs: vus, maxVUs: vus * 2,
    },
  },
  thresholds: limits(500),
});

// What billing says of the organization.
export function billing(path, token) {
  const reply = http.get(`${backend}/api/v1/billing/${path}?organizationId=${organization}`, bearer(token));
  check(reply, { answered: (r) => r.status === 200, 'with data': (r) => r.status === 200 && r.json('data') !== undefined });
}

// The summary as JSON where a path is given, and as text for people.
export const summary = (data) => {
  const path = __ENV.FRAUD_SUMMARY_FILE || __ENV.K6_SUMMARY_PATH;
  const text = textSummary(data, { indent: ' ', enableColors: false });
  return path ? { stdout: text, [path]: JSON.stringify(data) } : { stdout: text };
};
