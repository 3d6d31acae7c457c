import { open, SeekMode } from 'k6/experimental/fs';
import { parse, Parser } from 'k6/experimental/csv';
const file = await open('lib/people.csv');
const rows = await parse(file, { skipFirstLine: true });
const people = await parse(file, { asObjects: true });
const some = await parse(file, { fromLine: 1, toLine: 2 });
const parser = new Parser(file, { skipFirstLine: true });
let missing;
try { await open('lib/nothing.csv'); } catch (error) { missing = error.message.includes('nothing.csv'); }
export default async function () {
  console.log(rows.length, JSON.stringify(rows[1]), JSON.stringify(people[0]), people.length, JSON.stringify(some.map((row) => row[0])), missing);
  console.log(JSON.stringify(await file.stat()));
  const bytes = new Uint8Array(8);
  console.log(await file.read(bytes), String.fromCharCode(...bytes), await file.seek(-3, SeekMode.End), await file.read(bytes), await file.read(bytes), await file.seek(0, SeekMode.Start));
  for (let next = await parser.next(); !next.done; next = await parser.next()) console.log(JSON.stringify(next.value));
  try { await file.seek(1, SeekMode.End); } catch (error) { console.log(error.message); }
  try { await open('lib/people.csv'); } catch (error) { console.log(error.message); }
  try { await parse({}); } catch (error) { console.log(error.message); }
}
