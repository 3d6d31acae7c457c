// Paths into JSON: keys and indexes with dots, `#` for the length or for all, `#(key=="value")` for the first
// that fits and `#(...)#` for all that do, `*` and `?` in keys. What is not there is undefined.

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

const from = (value, path) => {
  if (path.length === 0) return value;
  const [part, ...rest] = path;
  if (value === null || value === undefined || typeof value !== 'object') return undefined;
  if (Array.isArray(value)) {
    if (part === '#') {
      if (rest.length === 0) return value.length;
      return value.map((one) => from(one, rest)).filter((one) => one !== undefined);
    }
    const query = /^#\(([^]*)\)(#?)$/.exec(part);
    if (query) {
      const fits = condition(query[1]);
      if (query[2] === '#') {
        const all = value.filter(fits);
        return rest.length === 0 ? all : from(all, rest[0] === '#' ? rest : ['#', ...rest]);
      }
      const first = value.find(fits);
      return first === undefined ? undefined : from(first, rest);
    }
    return /^\d+$/.test(part) ? from(value[Number(part)], rest) : undefined;
  }
  const name = plain(part);
  if (Object.hasOwn(value, name)) return from(value[name], rest);
  if (/(^|[^\\])[*?]/.test(part)) {
    const pattern = like(part);
    const key = Object.keys(value).find((known) => pattern.test(known));
    return key === undefined ? undefined : from(value[key], rest);
  }
  return undefined;
};

export function found(value, path) {
  return from(value, parts(String(path)));
}
