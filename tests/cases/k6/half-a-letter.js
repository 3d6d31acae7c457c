// What `slice` leaves of an emoji is sent, named and counted as the mark for an unknown letter.
import http from 'k6/http';
import { check, group } from 'k6';
import { Counter } from 'k6/metrics';
import encoding from 'k6/encoding';
import { sha1 } from 'k6/crypto';
import { parseHTML } from 'k6/html';
const half = '😀'.slice(0, 1);
const seen = new Counter('seen');
export const options = { iterations: 1 };
export default function () {
  const reply = http.post(`${__ENV.URL}/echo?q=${half}`, `body ${half}`, { headers: { 'X-Half': half }, tags: { half } });
  const sent = reply.json();
  console.log(reply.status, sent.body, JSON.stringify(reply.request.body));
  group(`group ${half}`, () => check(reply, { [`check ${half}`]: (r) => r.status === 200 }));
  seen.add(1, { half });
  console.log(encoding.b64encode(half), sha1(half, 'hex').length, parseHTML(`<p>${half}</p>`).find('p').text());
}
