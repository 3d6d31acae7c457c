// What `k6/experimental/fs` gives: files of which all virtual users share one copy.
import native from 'bellwether:native';

native.use('file');

export const SeekMode = Object.freeze({ Start: 0, Current: 1, End: 2 });

export class File {
  #at = 0;
  constructor(path, size) {
    this.path = path;
    Object.defineProperty(this, '__size', { value: size });
  }
  async stat() { return { name: this.path.split('/').at(-1), size: this.__size }; }
  async read(into) {
    if (!(into instanceof Uint8Array)) throw new TypeError('read() takes a Uint8Array');
    if (this.#at >= this.__size) return null;
    const piece = new Uint8Array(native.file.slice(this.path, this.#at, into.length));
    into.set(piece);
    this.#at += piece.length;
    return piece.length;
  }
  async seek(offset, whence) {
    const from = { 0: 0, 1: this.#at, 2: this.__size }[whence];
    if (from === undefined) throw new TypeError('seek() takes a number and a SeekMode');
    const at = from + Number(offset);
    if (!Number.isInteger(at) || at < 0 || at > this.__size) throw new RangeError(`seek(): ${at} is outside of the file`);
    this.#at = at;
    return at;
  }
}

export async function open(path) {
  const [full, size] = native.file.open(String(path));
  return new File(full, size);
}

export default { open, SeekMode };
