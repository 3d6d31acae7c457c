// What few scripts look at of a request and of a reply; loaded when one does.
import native from 'bellwether:native';
import { FileData, request } from 'k6/http';

native.use('crypto');

// Whatever the name is: some are those of every object.
const added = (all, name, value) => {
  if (Object.hasOwn(all, name)) all[name].push(value);
  else Object.defineProperty(all, name, { value: [value], writable: true, enumerable: true, configurable: true });
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

const tls_cipher_suite = () => '';
const ocsp = () => ({
  produced_at: 0, this_update: 0, next_update: 0, revoked_at: 0, revocation_reason: '', status: '',
});
const cookies = (reply) => {
  const all = {};
  for (const line of native.setCookies(reply)) {
    const made = cookie(line);
    if (made) added(all, made.name, made);
  }
  return all;
};
const sent = (reply) => {
  const [method, address, lines, body] = native.sent(reply);
  const headers = {};
  for (let at = 0; at < lines.length; at += 2) added(headers, lines[at], lines[at + 1]);
  const cookies = {};
  for (const line of headers.Cookie ?? []) {
    for (const pair of line.split('; ')) {
      const at = pair.indexOf('=');
      const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
      added(cookies, name, { name, value, replace: false });
    }
  }
  return { method, url: address, headers, body, cookies };
};

// Few scripts look at pages: what they are read with is loaded when one does.
const pages = () => {
  if (native.page === undefined) native.load('k6/html');
  return native.page;
};
const page = (reply, selector) => {
  if (reply.body === null) throw new Error('the body is null, since there was no reply or it was not kept: it is not HTML');
  const all = pages().parseHTML(typeof reply.body === 'string' ? reply.body : native.decode(reply.body));
  return selector === undefined ? all : all.find(selector);
};
const submitForm = (reply, about = {}) => {
  const sent = pages().submitted(page(reply), about);
  const target = native.html.resolve(reply.url, sent.action);
  if (sent.method !== 'GET') return request(sent.method, target, sent.fields, about.params);
  return request('GET', `${target.split('?')[0]}?${form(sent.fields)}`, undefined, about.params);
};
const clickLink = (reply, about = {}) => {
  const selector = about.selector ?? 'a[href]';
  const href = page(reply, selector).first().attr('href');
  if (href === undefined) throw new Error(`there is no link that fits \`${selector}\``);
  return request('GET', native.html.resolve(reply.url, href), undefined, about.params);
};
const toJSON = (reply) => {
  const names = [
    'remote_ip', 'remote_port', 'url', 'status', 'status_text', 'proto', 'headers', 'cookies', 'body', 'timings',
    'tls_version', 'tls_cipher_suite', 'ocsp', 'error', 'error_code', 'request',
  ];
  return Object.fromEntries(names.map((name) => [name, reply[name]]));
};

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

// The bytes that a view shows, not all of what it looks at.
const plain = native.unviewed;
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
      else pieces.push(new Uint8Array(plain(value.data)));
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

// A body that is no text, as it is sent, and its type.
const written = (body) => {
  if (body instanceof ArrayBuffer) return [body, undefined];
  if (ArrayBuffer.isView(body)) return [plain(body), undefined];
  if (typeof body === 'object') {
    if (Object.values(body).some((value) => value instanceof FileData)) return multipart(body);
    return [form(body), 'application/x-www-form-urlencoded'];
  }
  return [String(body), undefined];
};

native.rare = {
  added, tls_cipher_suite, ocsp, cookies, request: sent, html: page, submitForm, clickLink, toJSON, written,
};
