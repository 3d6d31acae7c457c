import native from 'bellwether:native';

native.use('data');

const frozen = (value) => {
  if (value !== null && typeof value === 'object') {
    Object.values(value).forEach(frozen);
    Object.freeze(value);
  }
  return value;
};
const refused = () => { throw new TypeError('a SharedArray cannot be changed'); };

export class SharedArray {
  constructor(name, make) {
    if (typeof name !== 'string' || name === '') throw new Error('a SharedArray needs a name');
    if (typeof make !== 'function') throw new Error('a SharedArray needs a function that makes it');
    if (native.listLength(name) < 0) {
      const rows = make();
      if (!Array.isArray(rows)) throw new Error('the function of a SharedArray must return an array');
      native.share(name, rows.map((row) => JSON.stringify(row) ?? 'null'));
    }
    const length = native.listLength(name);
    const row = (at) => frozen(JSON.parse(native.row(name, at)));
    const place = (key) => (typeof key === 'string' && /^(0|[1-9]\d*)$/.test(key) ? Number(key) : -1);
    return new Proxy([], {
      get(own, key) {
        if (key === 'length') return length;
        const at = place(key);
        return at >= 0 ? (at < length ? row(at) : undefined) : Reflect.get(own, key);
      },
      has: (own, key) => { const at = place(key); return at >= 0 ? at < length : key in own; },
      ownKeys: () => [...Array(length).keys()].map(String).concat('length'),
      getOwnPropertyDescriptor(own, key) {
        if (key === 'length') return Reflect.getOwnPropertyDescriptor(own, key);
        const at = place(key);
        return at >= 0 && at < length
          ? { value: row(at), writable: false, enumerable: true, configurable: true }
          : undefined;
      },
      set: refused,
      defineProperty: refused,
      deleteProperty: refused,
      preventExtensions: refused,
    });
  }
}

export default { SharedArray };
