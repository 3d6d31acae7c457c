import native from 'bellwether:native';

native.use('crypto');

const bytes = (input) => {
  if (typeof input === 'string') return native.encode(input);
  const content = native.unviewed(input);
  if (content instanceof ArrayBuffer) return content;
  if (Array.isArray(input)) return new Uint8Array(input).buffer;
  throw new TypeError('expected a string or an ArrayBuffer');
};
const joined = (parts) => {
  const length = parts.reduce((sum, part) => sum + part.byteLength, 0);
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(new Uint8Array(part), at);
    at += part.byteLength;
  }
  return all.buffer;
};
const said = (digest, encoding) => {
  switch (encoding) {
    case 'hex': return native.hex(digest);
    case 'base64': return native.b64encode(digest, 'std');
    case 'base64url': return native.b64encode(digest, 'url');
    case 'base64rawurl': return native.b64encode(digest, 'rawurl');
    case 'binary': return digest;
    default: throw new Error(`"${encoding}" is no encoding of a digest`);
  }
};

class Hasher {
  #name; #key; #parts = [];
  constructor(name, key) {
    this.#name = name;
    this.#key = key;
    native.digest(name, new ArrayBuffer(0), key);
  }
  update(data) { this.#parts.push(bytes(data)); }
  digest(encoding) { return said(native.digest(this.#name, joined(this.#parts), this.#key), encoding); }
}

export const createHash = (name) => new Hasher(name, undefined);
export const createHMAC = (name, key) => new Hasher(name, bytes(key));
export const hmac = (name, key, data, encoding) => said(native.digest(name, bytes(data), bytes(key)), encoding);
const hash = (name) => (data, encoding) => said(native.digest(name, bytes(data), undefined), encoding);
export const md4 = hash('md4');
export const md5 = hash('md5');
export const sha1 = hash('sha1');
export const sha256 = hash('sha256');
export const sha384 = hash('sha384');
export const sha512 = hash('sha512');
export const sha512_224 = hash('sha512_224');
export const sha512_256 = hash('sha512_256');
export const ripemd160 = hash('ripemd160');
export const hexEncode = (data) => native.hex(bytes(data));
export const randomBytes = (count) => {
  if (!(count > 0)) throw new Error('randomBytes() needs a number of bytes');
  return native.random(count);
};

export default {
  createHash, createHMAC, hmac, md4, md5, sha1, sha256, sha384, sha512, sha512_224, sha512_256, ripemd160,
  hexEncode, randomBytes,
};
