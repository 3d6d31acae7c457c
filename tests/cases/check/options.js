export const options = { thresholds: { http_req_duratoin: ['p(95)<500'] }, vsu: 3, stages: [{ duration: '10', target: 3 }] };
export default function () { }
