// summary
export const options = { iterations: 2, thresholds: { iterations: ['count==2'] } };
export default function () { if (__ITER === 0) throw new Error('first'); }
