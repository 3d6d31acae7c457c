// summary
import http from 'k6/http';
export const options = { thresholds: { http_req_failed: ['rate==0.5'], 'http_req_failed{status:404}': ['rate==1'], 'http_reqs{expected_response:true}': ['count==2'] } };
export default function () {
  http.get(`${__ENV.URL}/status/404`);
  http.get(`${__ENV.URL}/status/404`, { responseCallback: http.expectedStatuses(404) });
  http.get(`${__ENV.URL}/status/500`);
  http.get(`${__ENV.URL}/status/204`);
}
