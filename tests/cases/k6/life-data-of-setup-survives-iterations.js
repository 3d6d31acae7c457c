export const options = { iterations: 3 };
export function setup() { return { seen: [] }; }
export default function (data) { data.seen.push(__ITER); console.log(JSON.stringify(data.seen)); }
export function teardown(data) { console.log('untouched', JSON.stringify(data.seen)); }
