// flags: --include-system-env-vars=false
export default function () { console.log(__ENV.PATH, Object.keys(__ENV).join()); }
