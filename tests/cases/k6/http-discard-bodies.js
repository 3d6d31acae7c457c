import http from 'k6/http';
export const options = { discardResponseBodies: true };
export default function () {
  console.log(JSON.stringify(http.get(`${__ENV.URL}/text`).body), http.get(`${__ENV.URL}/text`, { responseType: 'text' }).body);
}
