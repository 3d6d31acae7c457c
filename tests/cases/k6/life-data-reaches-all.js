export const options = { vus: 2, iterations: 2 };
export function setup() { return { list: [1, { two: 2 }], at: new Date(0), nothing: undefined, odd: NaN }; }
export default function (data) { data.list.push(__VU); if (__ITER === 0) console.log(data.list.length, JSON.stringify(data)  .includes('nothing'), data.at, data.odd); }
export function teardown(data) { console.log('teardown', JSON.stringify(data)); }
