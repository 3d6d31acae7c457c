import native from 'bellwether:native';

const TLS = {
  TLS_1_0: 'tls1.0', TLS_1_1: 'tls1.1', TLS_1_2: 'tls1.2', TLS_1_3: 'tls1.3', SSL_3_0: 'ssl3.0',
  OCSP_STATUS_GOOD: 'good', OCSP_STATUS_REVOKED: 'revoked', OCSP_STATUS_SERVER_FAILED: 'server_failed',
  OCSP_STATUS_UNKNOWN: 'unknown',
  OCSP_REASON_UNSPECIFIED: 'unspecified', OCSP_REASON_KEY_COMPROMISE: 'key_compromise',
  OCSP_REASON_CA_COMPROMISE: 'ca_compromise', OCSP_REASON_AFFILIATION_CHANGED: 'affiliation_changed',
  OCSP_REASON_SUPERSEDED: 'superseded', OCSP_REASON_CESSATION_OF_OPERATION: 'cessation_of_operation',
  OCSP_REASON_CERTIFICATE_HOLD: 'certificate_hold', OCSP_REASON_REMOVE_FROM_CRL: 'remove_from_crl',
  OCSP_REASON_PRIVILEGE_WITHDRAWN: 'privilege_withdrawn', OCSP_REASON_AA_COMPROMISE: 'aa_compromise',
};

// ---- what came back ----

// What few scripts look at stands in a module of its own, which is loaded when one does.
const rare = (name) => {
  if (native.rare === undefined) native.load('bellwether:http');
  return native.rare[name];
};

// Most fields are made by the engine when somebody looks; those that few scripts look at are made here.
export function Response() { throw new TypeError('a Response is made by a request'); }
Response.prototype = native.replies;
const own = (reply, name, value) => {
  Object.defineProperty(reply, name, { value, writable: true, enumerable: true, configurable: true });
  return value;
};
const lazy = (name, make) => Object.defineProperty(native.replies, name, {
  configurable: true,
  enumerable: true,
  get() { return own(this, name, make(this)); },
  set(value) { own(this, name, value); },
});
for (const name of ['tls_cipher_suite', 'ocsp', 'cookies', 'request']) lazy(name, (reply) => rare(name)(reply));

// Paths that scripts ask for, and whether they are keys and indexes alone, which the engine finds by itself.
const plainPaths = new Map();
const parsed = Symbol('json');
const method = (name, value) =>
  Object.defineProperty(native.replies, name, { value, writable: true, configurable: true, enumerable: false });
method('constructor', Response);
method('json', function json(path) {
  if (path === undefined) return native.json(this);
  let isPlain = plainPaths.get(path);
  if (isPlain === undefined) {
    isPlain = typeof path === 'string' && /^[\w-]+(\.[\w-]+)*$/.test(path);
    if (plainPaths.size > 200) plainPaths.clear();
    plainPaths.set(path, isPlain);
  }
  if (isPlain) {
    const value = native.pick(this, path);
    // Itself is no value of JSON: the engine leaves it to us.
    if (value !== this) return value;
  }
  if (this[parsed] === undefined) Object.defineProperty(this, parsed, { value: [native.json(this)] });
  if (native.found === undefined) native.load('bellwether:path');
  return native.found(this[parsed][0], path);
});
for (const name of ['html', 'submitForm', 'clickLink', 'toJSON']) {
  method(name, function look(...given) { return rare(name)(this, ...given); });
}

// ---- what is sent ----

export class FileData {
  constructor(data, filename, type) {
    this.data = data;
    this.filename = filename ?? String(Date.now() * 1e6);
    this.content_type = type ?? 'application/octet-stream';
  }
}
export const file = (data, filename, type) => new FileData(data, filename, type);

class Expected { constructor(ranges) { this.ranges = ranges; } }
export const expectedStatuses = (...all) => {
  if (all.length === 0) throw new Error('expectedStatuses() needs a status');
  return new Expected(all.flatMap((one) => {
    const [low, high] = typeof one === 'number' ? [one, one] : [one?.min, one?.max];
    if (!Number.isInteger(low) || !Number.isInteger(high)) {
      throw new TypeError('expectedStatuses() takes numbers, and objects with `min` and `max`');
    }
    return [low, high];
  }));
};
export const setResponseCallback = (wanted) => {
  if (wanted !== null && !(wanted instanceof Expected)) {
    throw new TypeError('setResponseCallback() takes what expectedStatuses() gives, or null');
  }
  native.expect(wanted === null ? null : wanted.ranges);
};

export const url = (texts, ...values) => ({
  __name: texts.join('${}'),
  __url: texts.reduce((all, text, at) => `${all}${String(values[at - 1])}${text}`),
});
const place = (target) => {
  if (target !== null && typeof target === 'object' && '__url' in target) return [target.__url, target.__name];
  return [String(target), undefined];
};

const seconds = (time) => {
  if (time === undefined || time === null) return undefined;
  if (typeof time === 'number') return time;
  return native.duration(String(time));
};

// Hands a request on as the engine takes it: method, URL, body, its type, headers, tags, and whatever else is
// said, if anything is.
const send = (act, method, target, body, params) => {
  let address = target;
  let name;
  if (typeof address !== 'string') [address, name] = place(target);
  let content = body ?? undefined;
  let type;
  if (content !== undefined && typeof content !== 'string') [content, type] = rare('written')(content);
  if (params === undefined || params === null) {
    return act(method, address, content, type, undefined, name === undefined ? undefined : { name }, undefined);
  }
  const { headers, timeout, redirects, jar, cookies, responseType, responseCallback } = params;
  const tags = name === undefined ? params.tags : { name, ...params.tags };
  const says = timeout !== undefined || redirects !== undefined || jar !== undefined || cookies !== undefined
    || responseType !== undefined || responseCallback !== undefined || params.throw !== undefined
    || params.auth !== undefined || params.compression !== undefined;
  return act(method, address, content, type, headers, tags, says ? {
    timeout: seconds(timeout),
    redirects,
    jar: jar?.__number,
    cookies: Object.entries(cookies ?? {}).filter(([, value]) => value !== null && value !== undefined)
      .flatMap(([key, value]) => (typeof value === 'object'
        ? [key, String(value.value), value.replace ? 'replace' : ''] : [key, String(value), ''])),
    as: responseType,
    expected: responseCallback === null ? null : responseCallback?.ranges,
    throws: params.throw,
    auth: params.auth ?? undefined,
    compression: params.compression || undefined,
  } : undefined);
};

export function request(method, target, body, params) {
  return send(native.request, String(method).toUpperCase(), target, body, params);
}
export const get = (target, params) => (params === undefined && typeof target === 'string'
  ? native.plain('GET', target)
  : send(native.request, 'GET', target, undefined, params));
export const head = (target, params) => send(native.request, 'HEAD', target, undefined, params);
export const post = (target, body, params) => send(native.request, 'POST', target, body, params);
export const put = (target, body, params) => send(native.request, 'PUT', target, body, params);
export const patch = (target, body, params) => send(native.request, 'PATCH', target, body, params);
export const del = (target, body, params) => send(native.request, 'DELETE', target, body, params);
export const options = (target, body, params) => send(native.request, 'OPTIONS', target, body, params);

export function asyncRequest(method, target, body, params) {
  return new Promise((resolve, reject) => {
    const number = send(native.start, String(method).toUpperCase(), target, body, params);
    native.waiting.set(number, (reply, error) => (typeof error === 'string' ? reject(new Error(error)) : resolve(reply)));
  });
}

const listed = (...all) => all;
const entry = (one) => {
  if (typeof one === 'string' || (one !== null && typeof one === 'object' && '__url' in one)) return send(listed, 'GET', one);
  if (Array.isArray(one)) {
    const [method, target, body, params] = one;
    const name = String(method).toUpperCase();
    return send(listed, name, target, name === 'GET' || name === 'HEAD' ? undefined : body, params ?? undefined);
  }
  return send(listed, String(one.method ?? 'GET').toUpperCase(), one.url, one.body, one.params);
};

export function batch(requests) {
  if (requests === null || typeof requests !== 'object') throw new TypeError('batch() takes an array or an object');
  const names = Object.keys(requests);
  const replies = native.batch(names.map((name) => entry(requests[name])));
  if (Array.isArray(requests)) return replies;
  return Object.fromEntries(names.map((name, at) => [name, replies[at]]));
}

// ---- cookies ----

export class CookieJar {
  constructor(number) {
    Object.defineProperty(this, '__number', { value: number ?? native.jar() });
  }
  set(target, name, value, about = {}) {
    let line = `${name}=${value}`;
    if (about.domain) line += `; Domain=${about.domain}`;
    if (about.path) line += `; Path=${about.path}`;
    if (about.expires) line += `; Expires=${about.expires}`;
    if (about.max_age) line += `; Max-Age=${about.max_age}`;
    if (about.secure) line += '; Secure';
    if (about.http_only) line += '; HttpOnly';
    return native.jarStore(this.__number, String(target), line);
  }
  cookiesForURL(target) {
    const all = {};
    for (const pair of native.jarCookies(this.__number, String(target))) {
      const at = pair.indexOf('=');
      rare('added')(all, pair.slice(0, at), pair.slice(at + 1));
    }
    return all;
  }
  clear(target) {
    for (const name of Object.keys(this.cookiesForURL(target))) this.delete(target, name);
  }
  delete(target, name) { native.jarStore(this.__number, String(target), `${name}=; Max-Age=-1`); }
}
export const cookieJar = () => new CookieJar(0);

export const {
  TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3,
  SSL_3_0, OCSP_STATUS_GOOD, OCSP_STATUS_REVOKED, OCSP_STATUS_SERVER_FAILED,
  OCSP_STATUS_UNKNOWN, OCSP_REASON_UNSPECIFIED, OCSP_REASON_KEY_COMPROMISE, OCSP_REASON_CA_COMPROMISE,
  OCSP_REASON_AFFILIATION_CHANGED, OCSP_REASON_SUPERSEDED, OCSP_REASON_CESSATION_OF_OPERATION, OCSP_REASON_CERTIFICATE_HOLD,
  OCSP_REASON_REMOVE_FROM_CRL, OCSP_REASON_PRIVILEGE_WITHDRAWN, OCSP_REASON_AA_COMPROMISE,
} = TLS;

export default {
  ...TLS, get, head, post, put, patch, del, options, request, asyncRequest, batch, url, file, CookieJar, cookieJar,
  expectedStatuses, setResponseCallback, Response, FileData,
};
