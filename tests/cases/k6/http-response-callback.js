import http from 'k6/http';
export const options = { thresholds: { http_req_failed: ['rate==0.5'] } };
http.setResponseCallback(http.expectedStatuses({ min: 200, max: 299 }, 418));
export default function () {
  http.get(`${__ENV.URL}/status/418`);
  http.get(`${__ENV.URL}/status/500`);
  http.setResponseCallback(null);
  http.get(`${__ENV.URL}/status/500`);
  try { http.setResponseCallback(200); } catch (error) { console.log(error.name); }
}
