import { group, check } from 'k6';
import http from 'k6/http';
export const options = { thresholds: { 'http_reqs{group:::outer::inner}': ['count == 1'], 'http_reqs{group:::outer}': ['count == 1'], 'group_duration{group:::outer::inner}': ['max < 5000'], 'checks{group:::outer}': ['rate == 1'] } };
export default function () {
  const given = group('outer', () => {
    http.get(__ENV.URL);
    check(1, { 'in outer': () => true });
    try { group('inner', () => { http.get(__ENV.URL); throw new Error('out of inner'); }); } catch (error) { console.log(error.message); }
    return 'given';
  });
  console.log(given);
  try { group('a::b', () => {}); } catch (error) { console.log(error.message); }
}
