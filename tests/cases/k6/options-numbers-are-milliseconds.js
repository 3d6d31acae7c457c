import exec from 'k6/execution';
export const options = { duration: 1000 };
let said = false;
export default function () { if (!said) console.log(exec.scenario.executor); said = true; }
