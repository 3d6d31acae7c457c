export const options = { iterations: 2 };
export default function () {
  const begun = __ITER;
  Promise.resolve().then(() => console.log(`promised in ${begun}, done in ${__ITER}`));
  if (begun === 0) throw new Error('thrown');
}
