// A bid, its impression and its click, with a rising and a falling load.
import http from 'k6/http';
import { check, sleep } from 'k6';
import { duration, limits, pause, vus } from './shared.js';
import { login } from './login.js';
import { bid } from './auction.js';

export const options = {
  scenarios: {
    tracking: {
      executor: 'ramping-vus', startVUs: 1, gracefulRampDown: '5s',
      stages: [{ duration, target: vus }, { duration: '5s', target: 0 }],
    },
  },
  thresholds: limits(500),
};
export const setup = login;

export default function (data) {
  const reply = bid(data);
  if (check(reply, { bid: (r) => r.status === 200 })) {
    const { impression, click } = reply.json('tracking');
    check(http.get(impression), { 'impression counted': (r) => r.status === 204 });
    check(http.get(click, { redirects: 0 }), { 'click leads on': (r) => r.status === 302 });
  }
  sleep(pause);
}
