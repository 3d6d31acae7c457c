export const options = { iterations: 2 };
export default function () {
  if (__ITER === 0) { const all = []; for (;;) all.push(new Array(1e6).fill(1)); }
  console.log('the next one', __ITER);
}
