import http from 'k6/http';
export default function () {
  const r = http.get(`${__ENV.URL}/not-json`);
  try { r.json(); } catch (error) { console.log(error.name, error.message.split(':')[0]); }
  r.json('a');
}
