import exec from 'k6/execution';
import http from 'k6/http';
export const options = { iterations: 2, tags: { all: 'yes' }, thresholds: { 'http_reqs{round:0}': ['count == 1'], 'http_reqs{round:1,all:yes}': ['count == 1'], 'http_reqs{gone:x}': ['count == 1'] } };
export default function () {
  exec.vu.tags.round = __ITER;
  exec.vu.metrics.tags.gone = 'x';
  if (__ITER === 1) delete exec.vu.tags.gone;
  http.get(__ENV.URL);
  console.log(JSON.stringify(Object.keys(exec.vu.tags).sort()), exec.vu.tags.round, exec.vu.tags.all);
  try { exec.vu.tags.wrong = {}; } catch (error) { console.log(error.message); }
}
