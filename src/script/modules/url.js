// URL and URLSearchParams as far as scripts use them (WHATWG URL Standard), written anew.

const coded = (text) => encodeURIComponent(text).replace(/%20/g, '+').replace(/[!'()~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
const plain = (text) => decodeURIComponent(text.replace(/\+/g, ' '));

export class URLSearchParams {
  #pairs = [];
  constructor(init = '') {
    if (typeof init === 'string') {
      for (const part of init.replace(/^\?/, '').split('&').filter(Boolean)) {
        const at = part.indexOf('=');
        this.#pairs.push(at < 0 ? [plain(part), ''] : [plain(part.slice(0, at)), plain(part.slice(at + 1))]);
      }
    } else {
      const all = typeof init[Symbol.iterator] === 'function' ? init : Object.entries(init);
      for (const [name, value] of all) this.#pairs.push([String(name), String(value)]);
    }
  }
  append(name, value) { this.#pairs.push([String(name), String(value)]); }
  delete(name) { this.#pairs = this.#pairs.filter(([known]) => known !== name); }
  get(name) { return this.#pairs.find(([known]) => known === name)?.[1] ?? null; }
  getAll(name) { return this.#pairs.filter(([known]) => known === name).map(([, value]) => value); }
  has(name) { return this.#pairs.some(([known]) => known === name); }
  set(name, value) {
    const at = this.#pairs.findIndex(([known]) => known === name);
    if (at < 0) return this.append(name, value);
    this.#pairs[at] = [String(name), String(value)];
    this.#pairs = this.#pairs.filter(([known], place) => known !== name || place === at);
    return undefined;
  }
  sort() { this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)); }
  forEach(act) { for (const [name, value] of this.#pairs) act(value, name, this); }
  keys() { return this.#pairs.map(([name]) => name)[Symbol.iterator](); }
  values() { return this.#pairs.map(([, value]) => value)[Symbol.iterator](); }
  entries() { return this.#pairs.map((pair) => [...pair])[Symbol.iterator](); }
  [Symbol.iterator]() { return this.entries(); }
  toString() { return this.#pairs.map(([name, value]) => `${coded(name)}=${coded(value)}`).join('&'); }
}

export class URL {
  constructor(text, base) {
    let full = String(text);
    if (!/^[a-z][a-z0-9+.-]*:/i.test(full)) {
      if (base === undefined) throw new TypeError(`"${full}" is no URL`);
      const root = new URL(base);
      if (full.startsWith('//')) full = root.protocol + full;
      else if (full.startsWith('/')) full = root.origin + full;
      else if (full.startsWith('?')) full = root.origin + root.pathname + full;
      else if (full.startsWith('#')) full = root.origin + root.pathname + root.search + full;
      else full = root.origin + root.pathname.replace(/[^/]*$/, '') + full;
    }
    const parts = /^([a-z][a-z0-9+.-]*:)\/\/(?:([^:@/?#]*)(?::([^@/?#]*))?@)?(\[[^\]]*\]|[^:/?#]*)(?::(\d*))?([^?#]*)(\?[^#]*)?(#.*)?$/i.exec(full);
    if (!parts || parts[4] === '') throw new TypeError(`"${full}" is no URL`);
    const usual = { 'http:': '80', 'https:': '443', 'ws:': '80', 'wss:': '443' };
    this.protocol = parts[1].toLowerCase();
    this.username = parts[2] ?? '';
    this.password = parts[3] ?? '';
    this.hostname = parts[4].toLowerCase();
    this.port = parts[5] === usual[this.protocol] ? '' : parts[5] ?? '';
    const path = [];
    for (const part of (parts[6] || '/').split('/').slice(1)) {
      if (part === '..') path.pop();
      else if (part !== '.') path.push(part);
    }
    this.pathname = `/${path.join('/')}`;
    this.searchParams = new URLSearchParams(parts[7] ?? '');
    this.hash = parts[8] ?? '';
  }
  get search() { const text = this.searchParams.toString(); return text === '' ? '' : `?${text}`; }
  set search(text) { this.searchParams = new URLSearchParams(text); }
  get host() { return this.port === '' ? this.hostname : `${this.hostname}:${this.port}`; }
  get origin() { return `${this.protocol}//${this.host}`; }
  get href() {
    const who = this.username === '' ? '' : `${this.username}${this.password === '' ? '' : `:${this.password}`}@`;
    return `${this.protocol}//${who}${this.host}${this.pathname}${this.search}${this.hash}`;
  }
  toString() { return this.href; }
  toJSON() { return this.href; }
}
