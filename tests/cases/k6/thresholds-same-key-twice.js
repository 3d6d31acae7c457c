export const options = { thresholds: { 'iterations{a:1}': ['count>1'], 'iterations{ a: "1" }': ['count>2'] } };
export default function () {}
