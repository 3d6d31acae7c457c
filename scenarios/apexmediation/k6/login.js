// A token as the console mints one: the CSRF cookie first, then the login.
import http from 'k6/http';
import { backend } from './shared.js';

export function login() {
  for (const name of ['TRACKING_USERNAME', 'TRACKING_PASSWORD']) {
    if (!__ENV[name]) throw new Error(`${name} is not set`);
  }
  const asked = http.get(`${backend}/api/v1/auth/csrf`);
  const csrf = asked.cookies['XSRF-TOKEN'] ? asked.cookies['XSRF-TOKEN'][0].value : '';
  const body = JSON.stringify({ email: __ENV.TRACKING_USERNAME, password: __ENV.TRACKING_PASSWORD });
  const reply = http.post(`${backend}/api/v1/auth/login`, body, {
    headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf },
  });
  if (reply.status !== 200) throw new Error(`the login answered ${reply.status}`);
  return { token: reply.json('data.token'), csrf };
}
