export function setup() { return { f: () => 1, u: undefined, d: new Date(0), n: null }; }
export default function (data) { console.log(JSON.stringify(data)); }
