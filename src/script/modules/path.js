// Paths into JSON: keys and indexes with dots, `#` for the length or for all, `#(key=="value")` for the first
// that fits and `#(...)#` for all that do, `*` and `?` in keys. What is not there is undefined.

import native from 'bellwether:native';

const parts = (path) => {
  const found = [];
  let part = '';
  let depth = 0;
  for (let at = 0; at < path.length; at += 1) {
    const letter = path[at];
    if (letter === '\\' && at + 1 < path.length) {
      part += depth ? letter + path[at + 1] : '\\' + path[at + 1];
      at += 1;
    } else if (letter === '(' || letter === '[') {
      depth += 1;
      part += letter;
    } else if (letter === ')' || letter === ']') {
      depth -= 1;
      part += letter;
    } else if ((letter === '.' || letter === '|') && depth === 0) {
      found.push(part);
      part = '';
    } else {
      part += letter;
    }
  }
  found.push(part);
  const odd = found.find((one) => /^[@{[!]/.test(one));
  if (odd !== undefined) throw new Error(`the path "${path}" has "${odd}", which is not supported: modifiers, and several values at once, are not`);
  return found;
};

const plain = (part) => part.replace(/\\(.)/g, '$1');
const like = (pattern) => {
  const source = pattern.replace(/\\(.)|([.+^${}()|[\]\\/])|([*?])/g, (_, escaped, special, wild) => {
    if (escaped !== undefined) return escaped.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
    if (special !== undefined) return '\\' + special;
    return wild === '*' ? '[^]*' : '[^]';
  });
  return new RegExp(`^${source}$`);
};

const condition = (text) => {
  const form = /^\s*(.*?)\s*(==|!=|<=|>=|<|>|=|!%|%)\s*(.+?)\s*$/.exec(text);
  if (!form) return (value) => (text.trim() === '' ? true : found(value, text.trim()) !== undefined);
  const [, path, sign, right] = form;
  let bound;
  try { bound = JSON.parse(right); } catch { bound = right; }
  const pattern = sign.endsWith('%') ? like(String(bound)) : undefined;
  return (value) => {
    const seen = path === '' ? value : found(value, path);
    if (seen === undefined) return false;
    switch (sign) {
      case '%': return typeof seen === 'string' && pattern.test(seen);
      case '!%': return typeof seen === 'string' && !pattern.test(seen);
      case '!=': return seen !== bound;
      case '==': case '=': return seen === bound;
      default:
    }
    if (typeof seen !== typeof bound) return false;
    if (sign === '<') return seen < bound;
    if (sign === '<=') return seen <= bound;
    if (sign === '>') return seen > bound;
    return seen >= bound;
  };
};

// A part of a path with everything about it that does not depend on a value.
const understood = (part) => {
  const query = /^#\(([^]*)\)(#?)$/.exec(part);
  return {
    isAll: part === '#',
    fits: query ? condition(query[1]) : undefined,
    wantsAll: query !== null && query[2] === '#',
    index: /^\d+$/.test(part) ? Number(part) : -1,
    name: plain(part),
    pattern: /(^|[^\\])[*?]/.test(part) ? like(part) : undefined,
  };
};

const ofEach = (all, path, at) => all.map((one) => from(one, path, at)).filter((one) => one !== undefined);

const inList = (value, path, at) => {
  const part = path[at];
  const isLast = at + 1 === path.length;
  if (part.isAll) return isLast ? value.length : ofEach(value, path, at + 1);
  if (part.fits === undefined) return part.index >= 0 ? from(value[part.index], path, at + 1) : undefined;
  if (part.wantsAll) {
    const all = value.filter(part.fits);
    if (isLast) return all;
    return path[at + 1].isAll ? from(all, path, at + 1) : ofEach(all, path, at + 1);
  }
  const first = value.find(part.fits);
  return first === undefined ? undefined : from(first, path, at + 1);
};

function from(value, path, at) {
  if (at === path.length) return value;
  if (value === null || typeof value !== 'object') return undefined;
  if (Array.isArray(value)) return inList(value, path, at);
  const { name, pattern } = path[at];
  if (Object.hasOwn(value, name)) return from(value[name], path, at + 1);
  const key = pattern && Object.keys(value).find((known) => pattern.test(known));
  return key === undefined ? undefined : from(value[key], path, at + 1);
}

// Scripts ask for the same paths again and again.
const known = new Map();
const KNOWN_MAX = 200;

function found(value, path) {
  let parsed = known.get(path);
  if (parsed === undefined) {
    parsed = parts(String(path)).map(understood);
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(path, parsed);
  }
  return from(value, parsed, 0);
}
native.found = found;
