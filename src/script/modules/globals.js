// Globals that few scripts ask for; loaded when one does.
import native from 'bellwether:native';

native.use('crypto');

class TextEncoder {
  get encoding() { return 'utf-8'; }
  encode(text = '') { return new Uint8Array(native.encode(String(text))); }
}
class TextDecoder {
  #label; #fatal; #ignoreBOM; #going;
  constructor(label = 'utf-8', about = {}) {
    this.#label = native.encodingOf(String(label));
    if (this.#label === undefined || this.#label === null) throw new RangeError(`"${label}" is no encoding`);
    this.#fatal = Boolean(about.fatal);
    this.#ignoreBOM = Boolean(about.ignoreBOM);
  }
  get encoding() { return this.#label; }
  get fatal() { return this.#fatal; }
  get ignoreBOM() { return this.#ignoreBOM; }
  decode(bytes = new ArrayBuffer(0), about = {}) {
    const content = native.unviewed(bytes);
    if (!(content instanceof ArrayBuffer)) throw new TypeError('expected an ArrayBuffer or a view of one');
    const going = this.#going ?? native.decoding(this.#label, this.#ignoreBOM);
    this.#going = about?.stream ? going : undefined;
    try {
      return native.decoded(going, content, this.#fatal, !about?.stream);
    } catch (error) {
      this.#going = undefined;
      throw new TypeError(error.message);
    }
  }
}

const crypto = {
  get subtle() {
    if (native.webCrypto === undefined) native.load('bellwether:subtle');
    return native.webCrypto.subtle;
  },
  getRandomValues(array) {
    const whole = ArrayBuffer.isView(array) && !(array instanceof DataView) && !/Float/.test(array.constructor.name);
    if (!whole) throw Object.assign(new Error('expected an array of whole numbers'), { name: 'TypeMismatchError' });
    if (array.byteLength > 65536) {
      throw Object.assign(new Error(`${array.byteLength} bytes are more than 65536`), { name: 'QuotaExceededError' });
    }
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    bytes.set(new Uint8Array(native.random(array.byteLength)));
    return array;
  },
  randomUUID() {
    const bytes = new Uint8Array(native.random(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  },
};

native.globals = { TextEncoder, TextDecoder, crypto };
