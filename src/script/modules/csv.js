// What `k6/experimental/csv` gives: rows of a file, read once for all virtual users.
import native from 'bellwether:native';
import { File } from 'k6/experimental/fs';
import { SharedArray } from 'k6/data';

const rowsOf = (file, about = {}) => {
  if (!(file instanceof File)) throw new TypeError('expected a file that `open` of `k6/experimental/fs` gave');
  const { delimiter = ',', skipFirstLine = false, fromLine = 0, toLine = -1, asObjects = false } = about;
  if (asObjects && skipFirstLine) throw new Error('`asObjects` takes names from the first line, which `skipFirstLine` skips');
  return native.file.rows(file.path, String(delimiter), Boolean(skipFirstLine), Number(fromLine), Number(toLine), Boolean(asObjects));
};

export async function parse(file, about) {
  const name = rowsOf(file, about);
  return new SharedArray(name, () => []);
}

export class Parser {
  #name;
  #at = 0;
  constructor(file, about) { this.#name = rowsOf(file, about); }
  async next() {
    const row = native.row(this.#name, this.#at);
    if (row === undefined || row === null) return { done: true, value: undefined };
    this.#at += 1;
    return { done: false, value: JSON.parse(row) };
  }
}

export default { parse, Parser };
