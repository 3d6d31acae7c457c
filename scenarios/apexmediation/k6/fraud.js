// Scores under load; the summary goes where FRAUD_SUMMARY_FILE or K6_SUMMARY_PATH says.
import http from 'k6/http';
import { check, sleep } from 'k6';
import { Rate, Trend } from 'k6/metrics';
import { duration, fraud, limits, pause, summary, vus } from './shared.js';

const unscored = new Rate('fraud_unscored');
const scoring = new Trend('fraud_scoring', true);
export const options = { vus, duration, thresholds: { ...limits(500), fraud_unscored: ['rate<0.01'] } };

export default function () {
  const headers = { 'Content-Type': 'application/json' };
  if (__ENV.FRAUD_TOKEN) headers.Authorization = `Bearer ${__ENV.FRAUD_TOKEN}`;
  const features = { feature_1: Math.random(), feature_2: Math.random(), feature_3: Math.random() };
  const reply = http.post(`${fraud}/v1/score`, JSON.stringify(features), { headers });
  const score = reply.status === 200 ? reply.json('fraud_score') : undefined;
  check(reply, {
    scored: (r) => r.status === 200,
    'a score is a share': () => typeof score === 'number' && score >= 0 && score <= 1,
  });
  unscored.add(score === undefined);
  scoring.add(reply.timings.duration);
  sleep(pause);
}

export const handleSummary = summary;
