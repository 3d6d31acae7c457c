export const options = { iterations: 5 };
const things = ['a text', { code: 5 }, null, undefined, 7];
export default function () { throw things[__ITER]; }
