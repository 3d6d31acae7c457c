console.log('init', __VU, typeof __ITER);
export function setup() { console.log('setup', __VU); return { n: 1 }; }
export default function (data) { data.n += 1; console.log('iteration', __VU, __ITER, data.n); }
export function teardown(data) { console.log('teardown', JSON.stringify(data)); }
