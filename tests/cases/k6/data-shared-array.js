import { SharedArray } from 'k6/data';
let made = 0;
const rows = new SharedArray('rows', () => { made += 1; return [{ n: 1, list: [1] }, 'two', null]; });
export const options = { vus: 2, iterations: 2 };
export default function () {
  if (__VU !== 1) return;
  console.log(Array.isArray(rows), rows.length, rows[0].n, rows[1], rows[2], rows[3], rows[0] !== rows[0]);
  console.log(rows.map((row) => typeof row).join(), [...rows].length, rows.filter(Boolean).length, JSON.stringify(rows));
  for (const act of [() => { rows[0] = 1; }, () => rows.push(1), () => { rows[0].n = 5; }, () => { rows[0].list.push(2); }, () => new SharedArray('late', () => [])]) {
    try { act(); console.log('nothing thrown'); } catch (error) { console.log(error.name, error.message); }
  }
}
