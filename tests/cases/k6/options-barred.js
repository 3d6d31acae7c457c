import http from 'k6/http';
import ws from 'k6/ws';
export const options = { blockHostnames: ['blocked.test', '*.below.test'], blacklistIPs: ['192.0.2.0/24', '10.1.2.3'], hosts: { 'inside.test': '192.0.2.9' } };
export default function () {
  for (const host of ['blocked.test', 'BLOCKED.test', 'a.below.test', '192.0.2.1', '10.1.2.3', 'inside.test']) {
    const r = http.get(`http://${host}/`);
    console.log(host, r.status, r.error_code, r.error);
  }
  console.log(http.get(`${__ENV.URL}/text`).status, ws.connect('ws://blocked.test/', () => {}).error);
}
