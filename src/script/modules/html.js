// What `k6/html` gives: selections that work like jQuery's, and elements that work like the DOM's, of documents
// that nobody changes. Nodes are numbers in the order of the document; the engine knows what they are.
import native from 'bellwether:native';

native.use('html');

const engine = native.html;
const ascending = (left, right) => left - right;
const unique = (ids) => [...new Set(ids)].sort(ascending);
const [ELEMENT, TEXT, COMMENT] = [1, 3, 8];

// ---- selections ----

export class Selection {
  #page;
  #ids;
  constructor(page, ids) {
    this.#page = page;
    this.#ids = ids;
  }
  #with(ids) { return new Selection(this.#page, ids); }
  #matching(ids, selector) {
    if (selector === undefined) return ids;
    const fits = engine.matches(this.#page, ids, String(selector));
    return ids.filter((_, at) => fits[at]);
  }
  // Which of them fit: a selector, a function of place and selection, or what another selection holds.
  #fitting(wanted) {
    if (typeof wanted === 'function') return this.#ids.filter((id, at) => wanted(at, this.#with([id])));
    if (wanted instanceof Selection) {
      const others = new Set(wanted.#ids);
      return this.#ids.filter((id) => others.has(id));
    }
    return this.#matching(this.#ids, wanted);
  }
  #related(how, selector) {
    const all = this.#ids.flatMap((id) => engine.related(this.#page, id, how));
    return this.#with(this.#matching(unique(all), selector));
  }
  // Those of a row that come before the first that fits.
  #until(how, selector, filter) {
    const before = (row) => {
      if (selector === undefined) return row;
      const ends = selector instanceof Selection
        ? row.map((id) => selector.#ids.includes(id)) : engine.matches(this.#page, row, String(selector));
      const end = ends.indexOf(true);
      return end < 0 ? row : row.slice(0, end);
    };
    const all = this.#ids.flatMap((id) => before(engine.related(this.#page, id, how)));
    return this.#with(this.#matching(unique(all), filter));
  }

  find(selector) { return this.#with(engine.select(this.#page, this.#ids, String(selector))); }
  children(selector) { return this.#related('children', selector); }
  contents() { return this.#related('contents'); }
  parent(selector) { return this.#related('parent', selector); }
  parents(selector) { return this.#related('ancestors', selector); }
  parentsUntil(selector, filter) { return this.#until('ancestors', selector, filter); }
  next(selector) { return this.#related('next', selector); }
  nextAll(selector) { return this.#related('nextAll', selector); }
  nextUntil(selector, filter) { return this.#until('nextAll', selector, filter); }
  prev(selector) { return this.#related('prev', selector); }
  prevAll(selector) { return this.#related('prevAll', selector); }
  prevUntil(selector, filter) { return this.#until('prevAll', selector, filter); }
  closest(selector) {
    return this.#with(unique(this.#ids.flatMap((id) => {
      const row = [id, ...engine.related(this.#page, id, 'ancestors')];
      return this.#matching(row, selector).slice(0, 1);
    })));
  }
  has(selector) {
    return this.#with(this.#ids.filter((id) => engine.select(this.#page, [id], String(selector)).length > 0));
  }
  filter(wanted) { return this.#with(this.#fitting(wanted)); }
  is(wanted) { return this.#fitting(wanted).length > 0; }
  not(unwanted) {
    const out = new Set(this.#fitting(unwanted));
    return this.#with(this.#ids.filter((id) => !out.has(id)));
  }
  eq(at) { return this.#with(this.#ids.slice(at, at === -1 ? undefined : at + 1)); }
  first() { return this.eq(0); }
  last() { return this.eq(-1); }
  slice(start, end) { return this.#with(this.#ids.slice(start, end)); }
  size() { return this.#ids.length; }
  get length() { return this.#ids.length; }
  get(at) {
    const id = this.#ids.at(at);
    return id === undefined ? undefined : element(this.#page, id);
  }
  each(act) {
    if (typeof act !== 'function') throw new TypeError('each() takes a function');
    this.#ids.forEach((id, at) => act(at, element(this.#page, id)));
    return this;
  }
  map(act) {
    if (typeof act !== 'function') throw new TypeError('map() takes a function');
    return this.#ids.map((id, at) => act(at, this.#with([id])));
  }
  toArray() { return this.#ids.map((id) => this.#with([id])); }

  text() { return this.#ids.map((id) => engine.text(this.#page, id)).join(''); }
  html() { return this.#ids.length === 0 ? undefined : engine.inner(this.#page, this.#ids[0]); }
  attr(name, otherwise) {
    const value = this.#ids.length === 0 ? undefined : attribute(this.#page, this.#ids[0], String(name));
    return value ?? otherwise;
  }
  val() { return this.#ids.length === 0 ? undefined : valueOf(this.#page, this.#ids[0]); }
  data(key) {
    if (this.#ids.length === 0) return undefined;
    const known = Object.entries(attributes(this.#page, this.#ids[0])).filter(([name]) => name.startsWith('data-'));
    if (key === undefined) {
      return Object.fromEntries(known.map(([name, value]) => [camel(name.slice(5)), meant(value)]));
    }
    const found = known.find(([name]) => name.slice(5) === hyphened(String(key)));
    return found && meant(found[1]);
  }
  serializeArray() {
    const fields = this.#ids.flatMap((id) => (engine.name(this.#page, id) === 'form'
      ? engine.select(this.#page, [id], FIELDS) : this.#matching([id], FIELDS)));
    return fields.flatMap((id) => {
      const name = attribute(this.#page, id, 'name');
      return [valueOf(this.#page, id) ?? ''].flat().map((value) => ({ name, value }));
    });
  }
  serializeObject() { return Object.fromEntries(this.serializeArray().map(({ name, value }) => [name, value])); }
  serialize() {
    return this.serializeArray().map(({ name, value }) => `${inQuery(name)}=${inQuery(value)}`).join('&');
  }
}

// Fields that a form sends, without buttons.
const FIELDS = 'input[name]:not([disabled]):not([type=submit]):not([type=button]):not([type=reset]):not([type=image])'
  + ':not([type=file]):not([type=checkbox]:not([checked])):not([type=radio]:not([checked])),'
  + 'select[name]:not([disabled]),textarea[name]:not([disabled])';
const inQuery = (text) => encodeURIComponent(text).replace(/%20/g, '+');
const hyphened = (key) => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const camel = (name) => name.replace(/-([a-z])/g, (_, letter) => letter.toUpperCase());
// As jQuery reads the text of a data attribute.
const meant = (text) => {
  if (text === 'true' || text === 'false') return text === 'true';
  if (text === 'null') return undefined;
  if (text !== '' && String(Number(text)) === text) return Number(text);
  if (/^[{[]/.test(text)) {
    try { return JSON.parse(text); } catch { return text; }
  }
  return text;
};
const attributes = (page, id) => {
  const all = {};
  const flat = engine.attributes(page, id);
  for (let at = 0; at < flat.length; at += 2) {
    Object.defineProperty(all, flat[at], { value: flat[at + 1], enumerable: true, configurable: true, writable: true });
  }
  return all;
};
const attribute = (page, id, name) => {
  const all = attributes(page, id);
  return Object.hasOwn(all, name) ? all[name] : undefined;
};
const optionValue = (page, id) => attribute(page, id, 'value') ?? engine.text(page, id);
function valueOf(page, id) {
  const name = engine.name(page, id);
  if (name === 'textarea') return engine.text(page, id);
  if (name === 'option') return optionValue(page, id);
  if (name !== 'select') {
    const isBox = ['checkbox', 'radio'].includes(attribute(page, id, 'type'));
    return attribute(page, id, 'value') ?? (isBox ? 'on' : undefined);
  }
  const chosen = engine.select(page, [id], 'option[selected]').map((option) => optionValue(page, option));
  if (attribute(page, id, 'multiple') !== undefined) return chosen;
  const [first] = engine.select(page, [id], 'option');
  return chosen.at(-1) ?? (first === undefined ? undefined : optionValue(page, first));
}

// ---- elements ----

const known = new WeakMap();
function element(page, id) {
  let all = known.get(page);
  if (!all) known.set(page, all = new Map());
  let found = all.get(id);
  if (!found) all.set(id, found = new Element(page, id));
  return found;
}

export class Element {
  #page;
  #id;
  constructor(page, id) {
    this.#page = page;
    this.#id = id;
  }
  #of(how) { return engine.related(this.#page, this.#id, how).map((id) => element(this.#page, id)); }
  #select(css) { return engine.select(this.#page, [this.#id], css).map((id) => element(this.#page, id)); }

  nodeType() { return engine.kind(this.#page, this.#id); }
  nodeName() { return engine.name(this.#page, this.#id); }
  nodeValue() {
    return [TEXT, COMMENT].includes(this.nodeType()) ? engine.text(this.#page, this.#id) : undefined;
  }
  textContent() { return engine.text(this.#page, this.#id); }
  innerHTML() { return engine.inner(this.#page, this.#id); }
  toString() { return this.nodeType() === ELEMENT ? this.nodeName() : engine.text(this.#page, this.#id); }
  selection() { return new Selection(this.#page, [this.#id]); }

  attributes() {
    const made = ([name, value]) => [name, new Attribute(name, value, this)];
    return Object.fromEntries(Object.entries(attributes(this.#page, this.#id)).map(made));
  }
  getAttribute(name) { return attribute(this.#page, this.#id, String(name)); }
  getAttributeNode(name) { return this.attributes()[name]; }
  hasAttribute(name) { return this.getAttribute(name) !== undefined; }
  hasAttributes() { return engine.attributes(this.#page, this.#id).length > 0; }
  id() { return this.getAttribute('id') ?? ''; }
  className() { return this.getAttribute('class'); }
  classList() { return (this.className() ?? '').split(/\s+/).filter((name) => name !== ''); }
  lang() {
    const [nearest] = [this, ...this.#of('ancestors')].filter((one) => one.hasAttribute('lang'));
    return nearest?.getAttribute('lang');
  }

  childNodes() { return this.#of('contents'); }
  children() { return this.#of('children'); }
  childElementCount() { return this.children().length; }
  hasChildNodes() { return this.childNodes().length > 0; }
  firstChild() { return this.childNodes()[0]; }
  lastChild() { return this.childNodes().at(-1); }
  firstElementChild() { return this.children()[0]; }
  lastElementChild() { return this.children().at(-1); }
  nextSibling() { return this.#of('following')[0]; }
  previousSibling() { return this.#of('preceding')[0]; }
  nextElementSibling() { return this.#of('next')[0]; }
  previousElementSibling() { return this.#of('prev')[0]; }
  parentElement() { return this.#of('parent')[0]; }
  parentNode() { return this.#of('above')[0]; }
  ownerDocument() { return element(this.#page, 0); }
  contains(other) {
    return other instanceof Element && (other === this || engine.related(this.#page, other.#id, 'ancestors').includes(this.#id));
  }
  isSameNode(other) { return other === this; }
  isEqualNode(other) { return other instanceof Element && engine.outer(other.#page, other.#id) === engine.outer(this.#page, this.#id); }
  isDefaultNamespace() { return true; }
  namespaceURI() { return 'http://www.w3.org/1999/xhtml'; }

  matches(selector) { return engine.matches(this.#page, [this.#id], String(selector))[0]; }
  querySelector(selector) { return this.#select(String(selector))[0]; }
  querySelectorAll(selector) { return this.#select(String(selector)); }
  getElementsByTagName(name) { return this.#select(String(name)); }
  getElementsByClassName(name) {
    const wanted = String(name).split(/\s+/).filter((one) => one !== '');
    return this.#select('[class]').filter((one) => wanted.every((own) => one.classList().includes(own)));
  }

  // What elements of some kinds have beside.
  value() { return valueOf(this.#page, this.#id); }
  text() { return engine.text(this.#page, this.#id); }
  form() { return this.selection().closest('form').get(0); }
  elements() { return this.#select('input,select,textarea,button,fieldset,output'); }
  options() { return this.#select('option'); }
  selectedOptions() { return this.#select('option[selected]'); }
  labels() {
    const named = this.id() === '' ? [] : this.ownerDocument().querySelectorAll(`label[for=${JSON.stringify(this.id())}]`);
    return [...this.selection().closest('label').toArray().map((one) => one.get(0)), ...named];
  }
  control() {
    const name = this.getAttribute('for');
    return name === undefined ? this.elements()[0] : this.ownerDocument().querySelector(`[id=${JSON.stringify(name)}]`);
  }
  rows() { return this.#select('tr'); }
  cells() { return this.#select('td,th'); }
  method() { return (this.getAttribute('method') ?? 'get').toLowerCase(); }
}
// Attributes under their own names, as text.
for (const name of [
  'action', 'alt', 'content', 'enctype', 'href', 'hreflang', 'media', 'name', 'placeholder', 'rel', 'src', 'target', 'title', 'type',
]) {
  Object.defineProperty(Element.prototype, name, {
    value() { return this.getAttribute(name) ?? ''; }, writable: true, configurable: true,
  });
}
// Attributes that are there or not.
for (const name of ['checked', 'disabled', 'multiple', 'readonly', 'required', 'selected']) {
  Object.defineProperty(Element.prototype, name, {
    value() { return this.hasAttribute(name); }, writable: true, configurable: true,
  });
}

export class Attribute {
  constructor(name, value, ownerElement) { Object.assign(this, { name, value, ownerElement }); }
  localName() { return this.name.split(':').at(-1); }
  prefix() { return this.name.includes(':') ? this.name.split(':')[0] : ''; }
  namespaceURI() { return ''; }
}

// ---- documents ----

export function parseHTML(text) {
  if (typeof text !== 'string') throw new TypeError('parseHTML() takes a text');
  return new Selection(engine.parse(text), [0]);
}

// What is sent when a form is submitted: method, address and fields.
export function submitted(page, about) {
  const form = page.find(about.formSelector ?? 'form').first();
  if (form.size() === 0) throw new Error(`there is no form that fits \`${about.formSelector ?? 'form'}\``);
  const fields = form.serializeObject();
  const button = form.find(about.submitSelector ?? '[type="submit"]').first();
  const name = button.attr('name');
  if (name !== undefined) fields[name] = button.attr('value') ?? '';
  return {
    method: (form.attr('method') || 'get').toUpperCase(), action: form.attr('action') ?? '',
    fields: { ...fields, ...about.fields },
  };
}

export default { parseHTML, Selection, Element, Attribute };
native.page = { parseHTML, submitted };
