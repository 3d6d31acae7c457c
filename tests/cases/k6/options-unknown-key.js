export const options = { iteration: 3, vus: 1 };
export default function () { console.log('once'); }
