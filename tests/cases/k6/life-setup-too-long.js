import { sleep } from 'k6';
export const options = { setupTimeout: '100ms' };
export function setup() { sleep(30); }
export default function () { console.log('never'); }
