import crypto from 'k6/crypto';
const bytes = new Uint8Array([97, 98, 99]);
export default function () {
  const all = ['abc', bytes, bytes.buffer, [97, 98, 99]].map((input) => crypto.sha256(input, 'hex'));
  console.log(all.every((one) => one === all[0]), crypto.hmac('sha512', new Uint8Array([107]), 'x', 'hex').length, crypto.md5('é', 'hex'), crypto.sha1('', 'hex'));
  console.log(new Uint8Array(crypto.md5('abc', 'binary')).length, /^[0-9a-f]{8}-[0-9a-f]{4}-4/.test(globalThis.crypto.randomUUID()), globalThis.crypto.getRandomValues(new Uint32Array(4)).length);
  const one = crypto.createHash('sha256'); one.update(bytes.buffer); console.log(one.digest('hex') === all[0], one.digest('hex') === all[0]);
  for (const wrong of [() => crypto.sha256({}, 'hex'), () => crypto.hmac('none', 'k', 'x', 'hex'), () => crypto.randomBytes(0), () => crypto.createHMAC('sha256')]) { try { wrong(); console.log('nothing was thrown'); } catch (error) { console.log(error.message); } }
}
