const names = ['fetch', 'URL', 'Buffer', 'process', 'console', 'open', 'setTimeout', 'crypto', 'TextEncoder', 'global'];
export default function () { for (const name of names) console.log(name, typeof globalThis[name]); }
