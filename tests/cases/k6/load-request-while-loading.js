import http from 'k6/http';
http.get(__ENV.URL);
export default function () {}
