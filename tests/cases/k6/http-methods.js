import http, { get, del } from 'k6/http';
import * as all from 'k6/http';
export default function () {
  const u = `${__ENV.URL}/echo`;
  for (const r of [
    get(u), http.post(u, 'text'), http.put(u, 'p'), all.patch(u, 'q'), del(u, 'd'), http.options(u), http.request('get', u), http.request('REPORT', u, 'x'),
  ]) console.log(r.json('method'), JSON.stringify(r.json('body')), JSON.stringify(r.json('type')));
  const head = http.head(u);
  console.log(head.status, JSON.stringify(head.body));
}
