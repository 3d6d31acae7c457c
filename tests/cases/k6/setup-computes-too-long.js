// --quiet
export const options = { setupTimeout: '1s' };
export function setup() { while (true); }
export default function () {}
export function teardown() { console.log('never'); }
