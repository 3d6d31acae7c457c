// Globals that few scripts ask for; loaded when one does.
import native from 'bellwether:native';

native.use('crypto');

class TextEncoder {
  get encoding() { return 'utf-8'; }
  encode(text = '') { return new Uint8Array(native.encode(String(text))); }
}
class TextDecoder {
  get encoding() { return 'utf-8'; }
  decode(bytes = new ArrayBuffer(0)) {
    return native.decode(native.unviewed(bytes));
  }
}

const crypto = {
  get subtle() {
    if (native.webCrypto === undefined) native.load('bellwether:subtle');
    return native.webCrypto.subtle;
  },
  getRandomValues(array) {
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
