export const options = { scenarios: { s: { executor: 'per-vu-iterations', exec: 'made' } } };
export class Made {}
export const made = () => console.log('an arrow');
export let later;
later = 1;
export { made as also };
