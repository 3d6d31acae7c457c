// `crypto.subtle` (W3C Web Cryptography): what k6 has of it, but for encryption by RSA and agreement on keys. The engine
// knows what keys are; algorithms, usages and formats are held together here.
import native from 'bellwether:native';

native.use('crypto');
native.use('subtle');

const engine = native.subtle;
const wrong = (name, message) => Object.assign(new Error(message), { name });
const unknown = (what) => wrong('NotSupportedError', `${what} is not supported`);
const bytes = (data) => {
  const content = native.unviewed(data);
  if (content instanceof ArrayBuffer) return content;
  throw new TypeError('expected an ArrayBuffer or a view of one');
};

const HASHES = { 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' };
const hashName = (given) => {
  const name = String(given?.name ?? given).toUpperCase();
  if (!(name in HASHES)) throw unknown(`the hash "${name}"`);
  return name;
};
const HASH_BITS = { 'SHA-1': 512, 'SHA-256': 512, 'SHA-384': 1024, 'SHA-512': 1024 };
const KNOWN = [
  'AES-CBC', 'AES-CTR', 'AES-GCM', 'HMAC', 'ECDSA', 'Ed25519', 'RSASSA-PKCS1-v1_5', 'RSA-PSS', 'PBKDF2', 'HKDF',
];
const algorithm = (given) => {
  const about = typeof given === 'string' ? { name: given } : { ...given };
  const name = KNOWN.find((known) => known.toLowerCase() === String(about.name).toLowerCase());
  if (name === undefined) throw unknown(`the algorithm "${about.name}"`);
  return { ...about, name };
};

const USAGES = {
  AES: ['encrypt', 'decrypt', 'wrapKey', 'unwrapKey'], HMAC: ['sign', 'verify'], pair: ['sign', 'verify'],
  derived: ['deriveKey', 'deriveBits'],
};
const family = (name) => {
  if (name.startsWith('AES')) return 'AES';
  if (name === 'HMAC') return 'HMAC';
  return name === 'PBKDF2' || name === 'HKDF' ? 'derived' : 'pair';
};

class CryptoKey {
  #held;
  constructor(held, type, extractable, about, usages) {
    this.#held = held;
    Object.assign(this, { type, extractable, algorithm: about, usages: [...usages] });
  }
  static of(key, use, name) {
    if (!(key instanceof CryptoKey)) throw new TypeError('expected a CryptoKey');
    if (name !== undefined && key.algorithm.name !== name) {
      throw wrong('InvalidAccessError', `the key is one of ${key.algorithm.name}, not of ${name}`);
    }
    if (use !== undefined && !key.usages.includes(use)) {
      throw wrong('InvalidAccessError', `the key may not be used to ${use}`);
    }
    return key.#held;
  }
}

// A key with all that is said about it. Its algorithm has only what the standard lists.
const keyOf = (held, about, extractable, usages) => {
  const kind = family(about.name);
  const asked = [...(usages ?? [])];
  const odd = asked.find((use) => !USAGES[kind].includes(use));
  if (odd !== undefined) throw wrong('SyntaxError', `a key of ${about.name} is not used to ${odd}`);
  let type = 'secret';
  let said = { name: about.name };
  if (kind === 'AES') {
    const length = engine.bits(held);
    if (![128, 192, 256].includes(length)) throw wrong('DataError', `AES has no keys of ${length} bits`);
    said.length = length;
  } else if (kind === 'HMAC') {
    said = { name: 'HMAC', hash: { name: hashName(about.hash) }, length: engine.bits(held) };
  } else if (kind === 'pair') {
    type = engine.isPrivate(held) ? 'private' : 'public';
    if (about.name === 'ECDSA') {
      said.namedCurve = engine.kind(held);
      if (about.namedCurve !== undefined && said.namedCurve !== about.namedCurve) {
        throw wrong('DataError', `the key is one of ${said.namedCurve}, not of ${about.namedCurve}`);
      }
    } else if (about.name !== 'Ed25519') {
      said = {
        ...said, hash: { name: hashName(about.hash) }, modulusLength: engine.bits(held),
        publicExponent: new Uint8Array(engine.exponent(held)),
      };
    }
  }
  const fits = { ECDSA: ['P-256', 'P-384'], Ed25519: ['Ed25519'] }[about.name] ?? (kind === 'pair' ? ['RSA'] : ['secret']);
  if (!fits.includes(engine.kind(held))) throw wrong('DataError', `it is no key of ${about.name}, but of ${engine.kind(held)}`);
  return new CryptoKey(held, type, Boolean(extractable), said, asked);
};

const importKey = (format, data, given, extractable, usages) => {
  const about = algorithm(given);
  let held;
  if (format === 'jwk') {
    if (data === null || typeof data !== 'object') throw new TypeError('a JSON web key is an object');
    held = engine.read('jwk', JSON.stringify(data), '');
  } else if (['raw', 'pkcs8', 'spki'].includes(format)) {
    held = engine.read(format, bytes(data), format === 'raw' && family(about.name) === 'pair' ? String(about.namedCurve ?? about.name) : '');
  } else {
    throw unknown(`the format "${format}"`);
  }
  return keyOf(held, about, extractable, usages);
};

const exportKey = (format, key) => {
  const held = CryptoKey.of(key);
  if (!key.extractable) throw wrong('InvalidAccessError', 'the key is not extractable');
  if (format !== 'jwk') {
    const wanted = { raw: ['secret', 'public'], pkcs8: ['private'], spki: ['public'] }[format];
    if (wanted === undefined) throw unknown(`the format "${format}"`);
    if (!wanted.includes(key.type)) throw wrong('InvalidAccessError', `a ${key.type} key has no form "${format}"`);
    return engine.written(format, held);
  }
  const { name, hash } = key.algorithm;
  const bits = key.algorithm.length;
  const size = hash?.name.slice('SHA-'.length);
  const alg = {
    HMAC: `HS${size}`, 'RSASSA-PKCS1-v1_5': `RS${size}`, 'RSA-PSS': `PS${size}`, 'AES-CBC': `A${bits}CBC`,
    'AES-CTR': `A${bits}CTR`, 'AES-GCM': `A${bits}GCM`,
  }[name];
  const jwk = JSON.parse(engine.written('jwk', held));
  return { ...jwk, ...(alg === undefined ? {} : { alg }), ext: true, key_ops: [...key.usages] };
};

// Of no use is what nothing may be done with.
const useful = (key) => {
  if (key.type !== 'public' && key.usages.length === 0) throw wrong('SyntaxError', 'the key has no usages');
  return key;
};
const secretOf = (bits) => engine.read('raw', native.random(bits / 8), '');
const generateKey = (given, extractable, usages) => {
  const about = algorithm(given);
  const kind = family(about.name);
  if (kind === 'AES') {
    if (![128, 192, 256].includes(about.length)) throw wrong('OperationError', `AES has no keys of ${about.length} bits`);
    return useful(keyOf(secretOf(about.length), about, extractable, usages));
  }
  if (kind === 'HMAC') return useful(keyOf(secretOf(about.length ?? HASH_BITS[hashName(about.hash)]), about, extractable, usages));
  if (about.name !== 'ECDSA' && about.name !== 'Ed25519') throw unknown(`making keys of ${about.name}`);
  const own = engine.made(String(about.namedCurve ?? about.name));
  const asked = [...(usages ?? [])];
  return {
    privateKey: useful(keyOf(own, about, extractable, asked.filter((use) => use === 'sign'))),
    publicKey: keyOf(engine.half(own), about, true, asked.filter((use) => use === 'verify')),
  };
};

// What signs with a key, as tokens call it.
const signerOf = (about, key) => {
  const hash = about.name === 'ECDSA' ? hashName(about.hash) : key.algorithm.hash?.name;
  const size = hash?.slice('SHA-'.length);
  if (about.name === 'Ed25519') return 'EdDSA';
  if (about.name !== 'ECDSA') return `${about.name === 'RSA-PSS' ? 'PS' : 'RS'}${size}`;
  if (key.algorithm.namedCurve !== `P-${size}`) throw unknown(`${hash} with ${key.algorithm.namedCurve}`);
  return `ES${size}`;
};
const mac = (key, held, data) => native.digest(HASHES[key.algorithm.hash.name], data, engine.written('raw', held));
const isSame = (one, other) => {
  const [left, right] = [new Uint8Array(one), new Uint8Array(other)];
  return left.length === right.length && left.reduce((odd, byte, at) => odd | (byte ^ right[at]), 0) === 0;
};
const sign = (given, key, data) => {
  const about = algorithm(given);
  const held = CryptoKey.of(key, 'sign', about.name);
  if (about.name === 'HMAC') return mac(key, held, bytes(data));
  return engine.sign(held, signerOf(about, key), bytes(data));
};
const verify = (given, key, signature, data) => {
  const about = algorithm(given);
  const held = CryptoKey.of(key, 'verify', about.name);
  if (about.name === 'HMAC') return isSame(mac(key, held, bytes(data)), bytes(signature));
  return engine.verifies(held, signerOf(about, key), bytes(signature), bytes(data));
};

const ciphered = (use, encrypts) => (given, key, data) => {
  const about = algorithm(given);
  const held = CryptoKey.of(key, use, about.name);
  if (family(about.name) !== 'AES') throw unknown(`encryption by ${about.name}`);
  const mode = about.name.slice('AES-'.length).toLowerCase();
  const start = bytes(mode === 'ctr' ? about.counter : about.iv);
  const extra = about.additionalData === undefined ? new ArrayBuffer(0) : bytes(about.additionalData);
  const bits = mode === 'ctr' ? Number(about.length) : Number(about.tagLength ?? 128);
  try {
    return engine.aes(mode, encrypts, held, bytes(data), { start, extra, bits });
  } catch (error) {
    throw wrong('OperationError', error.message);
  }
};

const deriveBits = (given, key, bits, use = 'deriveBits') => {
  const about = algorithm(given);
  const held = CryptoKey.of(key, use, about.name);
  if (!(bits > 0) || bits % 8 !== 0) throw wrong('OperationError', `${bits} is no number of bits that are whole bytes`);
  const hash = HASHES[hashName(about.hash)];
  if (about.name === 'PBKDF2') return engine.stretched(hash, held, bytes(about.salt), Number(about.iterations), bits / 8);
  if (about.name === 'HKDF') return engine.expanded(hash, held, bytes(about.salt), bytes(about.info), bits / 8);
  throw unknown(`deriving by ${about.name}`);
};
const deriveKey = (given, key, wanted, extractable, usages) => {
  const about = algorithm(wanted);
  const bits = about.length ?? (about.name === 'HMAC' ? HASH_BITS[hashName(about.hash)] : undefined);
  return keyOf(engine.read('raw', deriveBits(given, key, bits, 'deriveKey'), ''), about, extractable, usages);
};

const digest = (given, data) => native.digest(HASHES[hashName(given)], bytes(data), undefined);
const promised = (act) => async (...given) => act(...given);
const missing = (name) => async () => { throw unknown(name); };

native.webCrypto = {
  CryptoKey,
  subtle: {
    digest: promised(digest), importKey: promised(importKey), exportKey: promised(exportKey),
    generateKey: promised(generateKey), sign: promised(sign), verify: promised(verify),
    encrypt: promised(ciphered('encrypt', true)), decrypt: promised(ciphered('decrypt', false)),
    deriveBits: promised((given, key, bits) => deriveBits(given, key, bits)), deriveKey: promised(deriveKey),
    wrapKey: missing('wrapKey()'), unwrapKey: missing('unwrapKey()'),
  },
};
