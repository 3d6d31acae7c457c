import http from 'k6/http';
export const options = { iterations: 1 };
export default function () {
  let isThere = false;
  const poll = () => { if (!isThere) setTimeout(poll, 0); };
  http.asyncRequest('GET', `${__ENV.URL}/text`).then((reply) => { isThere = true; console.log(reply.body); });
  poll();
}
