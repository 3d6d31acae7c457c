// Auctions: a bid, or an honest 204 where nobody bids.
import http from 'k6/http';
import { check, sleep } from 'k6';
import { backend, duration, limits, pause, vus } from './shared.js';
import { login } from './login.js';

export const options = { vus, duration, thresholds: limits(120) };
export const setup = login;

export function bid({ token, csrf }) {
  return http.post(`${backend}/api/v1/rtb/bid`, JSON.stringify({
    requestId: crypto.randomUUID(),
    placementId: __ENV.PLACEMENT_ID || 'load-test',
    adFormat: __ENV.AD_FORMAT || 'banner',
    floorCpm: Number(__ENV.FLOOR_CPM || 0.1),
    device: { os: 'linux' }, user: { id: 'load-test' }, app: { id: 'load-test' },
  }), { headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}`, 'X-CSRF-Token': csrf } });
}

export default function (data) {
  const reply = bid(data);
  check(reply, { 'answered by the auction': (r) => r.status === 200 || r.status === 204 });
  sleep(pause);
}
