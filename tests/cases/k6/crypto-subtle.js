// Keys of every kind are made, given out, taken in, and used; what others computed comes out the same.
const { subtle } = crypto;
const hex = (data) => [...new Uint8Array(data)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
const text = (content) => new TextEncoder().encode(content);
const fails = async (what, act) => {
  try { await act(); console.log(`${what}: it did not fail`); } catch (error) { console.log(`${what}: ${error.name}`); }
};

export const options = { iterations: 1 };

export default async function () {
  for (const name of ['SHA-1', 'SHA-256', { name: 'SHA-384' }, 'sha-512']) {
    console.log(hex(await subtle.digest(name, text('abc'))).slice(0, 16));
  }

  const secret = await subtle.importKey('raw', text('key'), { name: 'HMAC', hash: 'SHA-256' }, true, ['sign', 'verify']);
  const mac = await subtle.sign('HMAC', secret, text('The quick brown fox jumps over the lazy dog'));
  console.log(hex(mac), await subtle.verify('HMAC', secret, mac, text('The quick brown fox')));
  console.log(JSON.stringify(await subtle.exportKey('jwk', secret)));
  console.log(JSON.stringify(secret.algorithm), secret.type, secret.extractable, secret.usages.join());

  for (const curve of ['P-256', 'P-384']) {
    const by = { name: 'ECDSA', namedCurve: curve };
    const how = { name: 'ECDSA', hash: `SHA-${curve.slice(2)}` };
    const pair = await subtle.generateKey(by, true, ['sign', 'verify']);
    const signature = await subtle.sign(how, pair.privateKey, text('message'));
    const forms = [];
    for (const form of ['raw', 'spki', 'jwk']) {
      const given = await subtle.exportKey(form, pair.publicKey);
      const taken = await subtle.importKey(form, given, by, true, ['verify']);
      forms.push(await subtle.verify(how, taken, signature, text('message')));
      forms.push(await subtle.verify(how, taken, signature, text('massage')));
    }
    for (const form of ['pkcs8', 'jwk']) {
      const taken = await subtle.importKey(form, await subtle.exportKey(form, pair.privateKey), by, false, ['sign']);
      const again = await subtle.sign(how, taken, text('again'));
      forms.push(await subtle.verify(how, pair.publicKey, again, text('again')));
    }
    console.log(curve, signature.byteLength, forms.join());
  }

  const aes = async (name, bits) => {
    const raw = new Uint8Array(bits / 8).map((_, at) => at);
    return subtle.importKey('raw', raw, name, true, ['encrypt', 'decrypt']);
  };
  const iv = new Uint8Array(16).fill(7);
  for (const [name, bits, about] of [
    ['AES-CBC', 128, { iv }], ['AES-CBC', 192, { iv }], ['AES-CBC', 256, { iv }],
    ['AES-CTR', 128, { counter: iv, length: 64 }], ['AES-CTR', 256, { counter: iv, length: 128 }],
    ['AES-GCM', 128, { iv: iv.slice(0, 12) }], ['AES-GCM', 256, { iv: iv.slice(0, 12), additionalData: text('more') }],
  ]) {
    const key = await aes(name, bits);
    const sealed = await subtle.encrypt({ name, ...about }, key, text('a message of more than one block'));
    const opened = new TextDecoder().decode(await subtle.decrypt({ name, ...about }, key, sealed));
    console.log(name, bits, hex(sealed).slice(0, 20), sealed.byteLength, opened);
  }

  const password = await subtle.importKey('raw', text('password'), 'PBKDF2', false, ['deriveBits', 'deriveKey']);
  const by = { name: 'PBKDF2', hash: 'SHA-256', salt: text('salt'), iterations: 1000 };
  console.log(hex(await subtle.deriveBits(by, password, 128)));
  const derived = await subtle.deriveKey(by, password, { name: 'AES-GCM', length: 256 }, true, ['encrypt']);
  console.log(hex(await subtle.exportKey('raw', derived)));
  const drawn = await subtle.importKey('raw', text('a good key'), 'HKDF', false, ['deriveBits']);
  const expands = { name: 'HKDF', hash: 'SHA-512', salt: text('salt'), info: text('info') };
  console.log(hex(await subtle.deriveBits(expands, drawn, 256)));

  const made = await subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt']);
  await fails('not given out', () => subtle.exportKey('raw', made));
  await fails('not for this', () => subtle.decrypt({ name: 'AES-GCM', iv: iv.slice(0, 12) }, made, iv));
  await fails('another algorithm', () => subtle.encrypt({ name: 'AES-CBC', iv }, made, iv));
  await fails('changed', async () => subtle.decrypt({ name: 'AES-GCM', iv: iv.slice(0, 12) }, await aes('AES-GCM', 128), iv));
  await fails('no such hash', () => subtle.digest('MD5', iv));
  await fails('no such usage', () => subtle.importKey('raw', iv, 'AES-CBC', true, ['sign']));
  await fails('no key', () => subtle.importKey('raw', iv.slice(0, 3), 'AES-CBC', true, ['encrypt']));
}
