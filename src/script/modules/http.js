import native from 'bellwether:native';
import { found } from 'bellwether:path';

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

const canonical = (name) => name.split('-').map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('-');
const pairs = (head) => head.split('\r\n').filter(Boolean).map((line) => {
  const at = line.indexOf(': ');
  return [canonical(line.slice(0, at)), line.slice(at + 2)];
});
const joined = (head) => {
  const all = {};
  for (const [name, value] of pairs(head)) all[name] = Object.hasOwn(all, name) ? `${all[name]}, ${value}` : value;
  return all;
};
const cookie = (line) => {
  const [first, ...attributes] = line.split(';');
  const at = first.indexOf('=');
  if (at < 0) return undefined;
  const made = {
    name: first.slice(0, at).trim(), value: first.slice(at + 1).trim(), domain: '', path: '', http_only: false,
    secure: false, max_age: 0, expires: 0,
  };
  for (const attribute of attributes) {
    const cut = attribute.indexOf('=');
    const key = (cut < 0 ? attribute : attribute.slice(0, cut)).trim().toLowerCase();
    const value = cut < 0 ? '' : attribute.slice(cut + 1).trim();
    if (key === 'domain') made.domain = value;
    if (key === 'path') made.path = value;
    if (key === 'httponly') made.http_only = true;
    if (key === 'secure') made.secure = true;
    if (key === 'max-age') made.max_age = Number(value) || 0;
    if (key === 'expires') made.expires = Date.parse(value) || 0;
  }
  return made;
};

// Fields that few scripts look at are made when somebody does.
const lazy = (name, make) => ({
  configurable: true,
  get() {
    const value = make(this.__raw);
    Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
    return value;
  },
});

export class Response {
  constructor(raw) {
    Object.defineProperty(this, '__raw', { value: raw });
    this.status = raw[0];
    this.body = raw[3];
    this.url = raw[2];
    this.proto = raw[1];
    this.error = raw[15];
    this.error_code = raw[16];
  }
  json(path) {
    if (this.__json === undefined) {
      const text = typeof this.body === 'string' ? this.body : this.body === null ? '' : native.decode(this.body);
      let value;
      try {
        value = JSON.parse(text);
      } catch (error) {
        throw new SyntaxError(`the body is not JSON: ${error.message}`);
      }
      Object.defineProperty(this, '__json', { value: [value] });
    }
    // Each caller gets a value of its own.
    return path === undefined ? JSON.parse(JSON.stringify(this.__json[0])) : found(this.__json[0], path);
  }
  html() { throw new Error('Response.html() is not supported'); }
  submitForm() { throw new Error('Response.submitForm() is not supported'); }
  clickLink() { throw new Error('Response.clickLink() is not supported'); }
  toJSON() {
    const names = [
      'remote_ip', 'remote_port', 'url', 'status', 'status_text', 'proto', 'headers', 'cookies', 'body', 'timings',
      'tls_version', 'tls_cipher_suite', 'ocsp', 'error', 'error_code', 'request',
    ];
    return Object.fromEntries(names.map((name) => [name, this[name]]));
  }
}
Object.defineProperties(Response.prototype, {
  headers: lazy('headers', (raw) => joined(raw[4])),
  status_text: lazy('status_text', (raw) => native.statusText(raw[0])),
  remote_ip: lazy('remote_ip', (raw) => raw[5]),
  remote_port: lazy('remote_port', (raw) => raw[6]),
  timings: lazy('timings', (raw) => ({
    duration: raw[10] + raw[11] + raw[12], blocked: raw[7], looking_up: 0, connecting: raw[8],
    tls_handshaking: raw[9], sending: raw[10], waiting: raw[11], receiving: raw[12],
  })),
  tls_version: lazy('tls_version', (raw) => raw[13]),
  tls_cipher_suite: lazy('tls_cipher_suite', () => ''),
  ocsp: lazy('ocsp', () => ({
    produced_at: 0, this_update: 0, next_update: 0, revoked_at: 0, revocation_reason: '', status: '',
  })),
  cookies: lazy('cookies', (raw) => {
    const all = {};
    for (const [name, value] of pairs(raw[4])) {
      const made = name === 'Set-Cookie' ? cookie(value) : undefined;
      if (made) (all[made.name] ??= []).push(made);
    }
    return all;
  }),
  request: lazy('request', (raw) => {
    const headers = {};
    for (const [name, value] of pairs(raw[18])) (headers[name] ??= []).push(value);
    const cookies = {};
    for (const line of headers.Cookie ?? []) {
      for (const pair of line.split('; ')) {
        const at = pair.indexOf('=');
        const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
        (cookies[name] ??= []).push({ name, value, replace: false });
      }
    }
    return { method: raw[17], url: raw[2], headers, body: raw[19], cookies };
  }),
});

// ---- what is sent ----

const escaped = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`).replace(/%20/g, '+');
const form = (fields) => Object.keys(fields).sort().flatMap((name) => {
  const values = Array.isArray(fields[name]) ? fields[name] : [fields[name]];
  return values.map((value) => {
    if (value !== null && typeof value === 'object') {
      native.log('warning', `the field "${name}" of a form is an object, and is sent empty`);
      return `${escaped(name)}=`;
    }
    return `${escaped(name)}=${escaped(String(value))}`;
  });
}).join('&');

class FileData {
  constructor(data, filename, type) {
    this.data = data;
    this.filename = filename ?? String(Date.now() * 1e6);
    this.content_type = type ?? 'application/octet-stream';
  }
}
export const file = (data, filename, type) => new FileData(data, filename, type);

const multipart = (fields) => {
  const mark = native.hex(native.random(30));
  const pieces = [];
  const text = (piece) => pieces.push(new Uint8Array(native.encode(piece)));
  const quoted = (name) => String(name).replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/[\r\n]/g, ' ');
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    if (value instanceof FileData) {
      text(`--${mark}\r\nContent-Disposition: form-data; name="${quoted(name)}"; filename="${quoted(value.filename)}"\r\nContent-Type: ${value.content_type}\r\n\r\n`);
      if (typeof value.data === 'string') text(value.data);
      else pieces.push(new Uint8Array(value.data.buffer ?? value.data));
    } else {
      text(`--${mark}\r\nContent-Disposition: form-data; name="${quoted(name)}"\r\n\r\n${String(value)}`);
    }
    text('\r\n');
  }
  text(`--${mark}--\r\n`);
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return [all.buffer, `multipart/form-data; boundary=${mark}`];
};

const sent = (body) => {
  if (body === undefined || body === null) return [undefined, undefined];
  if (typeof body === 'string' || body instanceof ArrayBuffer) return [body, undefined];
  if (ArrayBuffer.isView(body)) {
    return [body.buffer.slice(body.byteOffset, body.byteOffset + body.byteLength), undefined];
  }
  if (typeof body === 'object') {
    if (Object.values(body).some((value) => value instanceof FileData)) return multipart(body);
    return [form(body), 'application/x-www-form-urlencoded'];
  }
  return [String(body), undefined];
};

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
let callback = new Expected(undefined);
export const setResponseCallback = (wanted) => {
  if (wanted !== null && !(wanted instanceof Expected)) {
    throw new TypeError('setResponseCallback() takes what expectedStatuses() gives, or null');
  }
  callback = wanted;
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

const basic = (target) => {
  const parts = /^(https?:\/\/)([^/?#@]*)@(.*)$/i.exec(target);
  if (!parts) return [target, undefined];
  const [name, ...word] = parts[2].split(':').map(decodeURIComponent);
  return [parts[1] + parts[3], `Basic ${native.b64encode(native.encode(`${name}:${word.join(':')}`), 'std')}`];
};

// A request as the engine takes it: method, URL, body, headers, and what is said beside, if anything is.
const asked = (method, target, body, params) => {
  const [written, name] = place(target);
  const [address, authorization] = written.includes('@') ? basic(written) : [written, undefined];
  const [content, type] = sent(body);
  if (params === undefined || params === null) {
    const headers = [];
    if (type !== undefined) headers.push('content-type', type);
    if (authorization !== undefined) headers.push('authorization', authorization);
    const plainly = name === undefined && callback !== null && callback.ranges === undefined;
    const beside = plainly ? undefined : {
      tags: name === undefined ? undefined : ['name', name],
      expected: callback === null ? null : callback.ranges,
    };
    return [method, address, content, headers.length ? headers : undefined, beside];
  }
  if (params.auth === 'digest' || params.auth === 'ntlm') throw new Error(`auth "${params.auth}" is not supported`);
  if (params.compression) throw new Error('the compression of requests is not supported');
  const headers = [];
  let typed = false;
  for (const key of Object.keys(params.headers ?? {})) {
    const low = key.toLowerCase();
    typed ||= low === 'content-type';
    headers.push(key, String(params.headers[key]));
  }
  if (type !== undefined && !typed) headers.push('content-type', type);
  if (authorization !== undefined) headers.push('authorization', authorization);
  const tags = native.flat(params.tags ?? {});
  if (name !== undefined && !('name' in (params.tags ?? {}))) tags.push('name', name);
  const cookies = [];
  for (const key of Object.keys(params.cookies ?? {})) {
    const value = params.cookies[key];
    cookies.push(key, String(value !== null && typeof value === 'object' ? value.value : value));
  }
  const wanted = params.responseCallback === undefined ? callback : params.responseCallback;
  return [method, address, content, headers, {
    timeout: seconds(params.timeout),
    redirects: params.redirects,
    jar: params.jar?.__number,
    cookies,
    tags,
    as: params.responseType,
    expected: wanted === null ? null : wanted.ranges,
    throws: params.throw,
  }];
};

const answered = (raw, beside) => {
  if (raw[15] !== '' && (beside?.throws ?? native.throws())) throw new Error(raw[15]);
  return new Response(raw);
};

export function request(method, target, body, params) {
  const all = asked(String(method).toUpperCase(), target, body, params);
  return answered(native.request(...all), all[4]);
}
export const get = (target, params) => request('GET', target, undefined, params);
export const head = (target, params) => request('HEAD', target, undefined, params);
export const post = (target, body, params) => request('POST', target, body, params);
export const put = (target, body, params) => request('PUT', target, body, params);
export const patch = (target, body, params) => request('PATCH', target, body, params);
export const del = (target, body, params) => request('DELETE', target, body, params);
export const options = (target, body, params) => request('OPTIONS', target, body, params);

export function asyncRequest(method, target, body, params) {
  return new Promise((resolve, reject) => {
    const all = asked(String(method).toUpperCase(), target, body, params);
    native.waiting.set(native.start(...all), (raw) => {
      try {
        resolve(answered(raw, all[4]));
      } catch (error) {
        reject(error);
      }
    });
  });
}

const entry = (one) => {
  if (typeof one === 'string' || (one !== null && typeof one === 'object' && '__url' in one)) return asked('GET', one);
  if (Array.isArray(one)) {
    const [method, target, body, params] = one;
    const name = String(method).toUpperCase();
    return asked(name, target, name === 'GET' || name === 'HEAD' ? undefined : body, params ?? undefined);
  }
  return asked(String(one.method ?? 'GET').toUpperCase(), one.url, one.body, one.params);
};

export function batch(requests) {
  if (requests === null || typeof requests !== 'object') throw new TypeError('batch() takes an array or an object');
  const names = Object.keys(requests);
  const all = names.map((name) => entry(requests[name]));
  const replies = native.batch(all).map((raw, at) => answered(raw, all[at][4]));
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
      (all[pair.slice(0, at)] ??= []).push(pair.slice(at + 1));
    }
    return all;
  }
  clear(target) {
    for (const name of Object.keys(this.cookiesForURL(target))) this.delete(target, name);
  }
  delete(target, name) { native.jarStore(this.__number, String(target), `${name}=; Max-Age=-1`); }
}
export const cookieJar = () => new CookieJar(0);

export const TLS_1_0 = TLS.TLS_1_0;
export const TLS_1_1 = TLS.TLS_1_1;
export const TLS_1_2 = TLS.TLS_1_2;
export const TLS_1_3 = TLS.TLS_1_3;

export default {
  ...TLS, get, head, post, put, patch, del, options, request, asyncRequest, batch, url, file, CookieJar, cookieJar,
  expectedStatuses, setResponseCallback, Response, FileData,
};
