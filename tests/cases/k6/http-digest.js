// summary
import http from 'k6/http';
import { check } from 'k6';
// Two requests each, of which the first is expected to be refused; where it is not, that fails.
export const options = {
  thresholds: { 'http_reqs{status:401}': ['count==5'], 'http_reqs{expected_response:false}': ['count==3'] },
};
export default function () {
  const inside = __ENV.URL.replace('http://', 'http://ann:p%40ss%3Aword@');
  const reply = http.get(`${inside}/digest/a?b=c`, { auth: 'digest' });
  check(reply, {
    'it is let in': (r) => r.status === 200 && r.json('in') === '/digest/a',
    'the URL has no password': (r) => !r.url.includes('@') && r.request.headers.Authorization[0].startsWith('Digest username="ann"'),
    'the password is nowhere': (r) => !JSON.stringify(r).includes('word'),
  });
  check(http.post(`${inside}/digest/b`, { field: 'value' }, { auth: 'digest' }), {
    'the body is sent again': (r) => r.json('body') === 'field=value',
  });
  check(http.get(`${inside}/to-digest`, { auth: 'digest' }), {
    'a redirect is followed': (r) => r.json('in') === '/digest/moved',
  });
  check(http.get(`${inside.replace('p%40', 'q')}/digest/c`, { auth: 'digest' }), {
    'a wrong password is asked for once': (r) => r.status === 401,
  });
  check(http.get(`${__ENV.URL}/status/200`, { auth: 'digest' }), {
    'nobody is named': (r) => r.status === 200,
  });
}
