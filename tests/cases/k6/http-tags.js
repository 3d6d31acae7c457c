// summary
import http from 'k6/http';
import exec from 'k6/execution';
export const options = {
  tags: { run: 'r' },
  thresholds: {
    'http_reqs{name:login}': ['count==2'], 'http_reqs{kind:a,name:login}': ['count==1'], 'http_reqs{run:r}': ['count==3'],
    'http_reqs{scenario:default, method:GET}': ['count==3'], 'http_reqs{user:u1}': ['count==1'], 'http_reqs{group:::g}': ['count==1'],
  },
};
import { group } from 'k6';
export default function () {
  http.get(`${__ENV.URL}/1`, { tags: { name: 'login', kind: 'a' } });
  exec.vu.tags.user = 'u1';
  http.get(`${__ENV.URL}/2`, { tags: { name: 'login' } });
  delete exec.vu.tags.user;
  group('g', () => http.get(`${__ENV.URL}/3`));
}
