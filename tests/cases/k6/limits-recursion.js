export const options = { iterations: 2 };
export default function () {
  if (__ITER === 0) { const down = (n) => down(n + 1) + 1; down(0); }
  console.log('the next one', __ITER);
}
