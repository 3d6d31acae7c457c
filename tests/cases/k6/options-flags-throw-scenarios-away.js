// flags: --iterations 1
export const options = { scenarios: { a: { executor: 'per-vu-iterations', iterations: 5, exec: 'other' } } };
export function other() { console.log('never'); }
export default function () { console.log('the default one'); }
