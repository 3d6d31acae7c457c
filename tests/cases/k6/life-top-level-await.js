const value = await Promise.resolve('ready');
export default function () { console.log(value); }
