import { SharedArray } from 'k6/data';
const rows = new SharedArray('rows', () => [{ a: [1] }, 'text', null, 4]);
export default function () {
  for (const change of [() => { rows[0] = 1; }, () => rows.push(1), () => { rows[0].a.push(2); }, () => { rows.length = 0; }, () => delete rows[0], () => rows.sort()]) {
    try { change(); console.log('nothing was thrown'); } catch (error) { console.log(error.name); }
  }
  console.log(rows.length, rows[0] !== rows[0], JSON.stringify(rows), rows.map((one) => typeof one).join(), [...rows].length, rows.at(-1), rows.includes(4), rows[9], 1 in rows, Array.isArray(rows));
  let sum = 0;
  for (const at in rows) sum += Number(at);
  console.log(sum, rows.filter(Boolean).length, Object.isFrozen(rows[0].a));
}
