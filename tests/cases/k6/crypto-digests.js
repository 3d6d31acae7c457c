import crypto, { sha256, hmac, createHash, createHMAC } from 'k6/crypto';
export default function () {
  for (const name of ['md4', 'md5', 'ripemd160', 'sha1', 'sha256', 'sha384', 'sha512', 'sha512_224', 'sha512_256']) console.log(name, crypto[name]('abc', 'hex'));
  console.log(sha256('abc', 'base64'), sha256('abc', 'base64url'), sha256('abc', 'base64rawurl'), sha256('abc', 'binary').byteLength);
  console.log(hmac('sha256', 'key', 'The quick brown fox jumps over the lazy dog', 'hex'));
  const h = createHash('sha1'); h.update('a'); h.update('bc'); console.log(h.digest('hex'));
  const m = createHMAC('md5', 'key'); m.update('abc'); console.log(m.digest('hex'));
  console.log(crypto.randomBytes(8).byteLength, crypto.hexEncode(new Uint8Array([1, 255]).buffer));
  for (const act of [() => createHash('crc'), () => sha256('a', 'x')]) {
    try { act(); } catch (error) { console.log(error.message); }
  }
}
