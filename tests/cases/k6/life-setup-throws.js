export function setup() { throw new Error('no database'); }
export default function () { console.log('never'); }
export function teardown() { console.log('teardown'); }
