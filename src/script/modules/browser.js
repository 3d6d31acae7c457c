import native from 'bellwether:native';

native.use('browser');

const TIMEOUT = 30_000;
let next = 1;
const perform = (page, does, timeout) => {
  if (page.closed) throw new Error('the page is closed');
  const time = timeout ?? page.timeout;
  return JSON.parse(native.browser.perform(JSON.stringify({ page: page.number, timeout: Number(time), does })));
};
const unsupported = (what) => {
  throw new Error(`${what} is not supported`);
};
const texts = (text) => (text instanceof RegExp ? unsupported('a regular expression as a name') : String(text));

// How k6 writes selectors: CSS, XPath, or a text.
const selector = (written, within) => {
  const text = String(written).trim();
  if (text.includes(' >> ')) {
    const parts = text.split(' >> ');
    return parts.reduce((outer, part) => selector(part, outer), within);
  }
  const named = /^(css|xpath|text)=(.*)$/su.exec(text);
  const where = { within };
  if (named?.[1] === 'css') return { ...where, kind: 'css', value: named[2] };
  if (named?.[1] === 'xpath' || /^(\(*\/\/|\.\.)/u.test(text)) return { ...where, kind: 'xpath', value: named?.[2] ?? text };
  if (named?.[1] === 'text') return { ...where, kind: 'text', value: named[2].replace(/^(['"])(.*)\1$/su, '$2') };
  return { ...where, kind: 'css', value: text };
};
const clean = (where) => {
  const { within, ...rest } = where;
  return within ? { ...rest, within: clean(within) } : rest;
};
const time = (options) => options?.timeout;
const UNTIL = { load: 'load', domcontentloaded: 'domcontentloaded', networkidle: 'networkidle' };
const until = (options) => UNTIL[options?.waitUntil ?? 'load'] ?? unsupported(`waitUntil: ${options.waitUntil}`);
const body = (act, values) => {
  const given = values.map((value) => (value instanceof Locator ? unsupported('a locator as an argument') : JSON.stringify(value) ?? 'undefined')).join(', ');
  return typeof act === 'function' ? `return (${act})(${given})` : `return (${act})`;
};
// What was thrown asynchronously is thrown by who waits for it.
const later = (act) => Promise.resolve().then(act);

class Response {
  #told;
  constructor(told) { this.#told = told; }
  status() { return this.#told.status ?? 0; }
  url() { return this.#told.url; }
  ok() { return this.status() >= 200 && this.status() < 300; }
}

class Locator {
  #page;
  #where;
  constructor(page, where) {
    this.#page = page;
    this.#where = where;
  }
  #do(does, options) { return perform(this.#page, { ...does, on: clean(this.#where) }, time(options)); }
  #facts(options, attribute = null) { return this.#do({ do: 'facts', attribute }, options); }
  #of(more) { return new Locator(this.#page, { ...this.#where, ...more }); }
  first() { return this.#of({ nth: 0 }); }
  last() { return this.#of({ nth: -1 }); }
  nth(at) { return this.#of({ nth: at }); }
  locator(written) { return new Locator(this.#page, selector(written, this.#where)); }
  getByRole(role, options) { return new Locator(this.#page, by_role(role, options, this.#where)); }
  getByText(text, options) { return new Locator(this.#page, by('text', text, options, this.#where)); }
  getByLabel(text, options) { return new Locator(this.#page, by('label', text, options, this.#where)); }
  getByPlaceholder(text, options) { return new Locator(this.#page, by('placeholder', text, options, this.#where)); }
  getByTestId(id) { return new Locator(this.#page, by('testId', id, {}, this.#where)); }
  async count() { return this.#do({ do: 'count' }); }
  async all() { return Array.from({ length: await this.count() }, (_, at) => this.nth(at)); }
  async click(options) { this.#do({ do: 'click', times: options?.clickCount ?? 1 }, options); }
  async dblclick(options) { this.#do({ do: 'click', times: 2 }, options); }
  async tap(options) { this.#do({ do: 'click', times: 1 }, options); }
  async hover(options) { this.#do({ do: 'hover' }, options); }
  async fill(text, options) { this.#do({ do: 'fill', text: String(text), byKey: false }, options); }
  async clear(options) { this.#do({ do: 'fill', text: '', byKey: false }, options); }
  async type(text, options) { this.#do({ do: 'fill', text: String(text), byKey: true }, options); }
  async pressSequentially(text, options) { return this.type(text, options); }
  async press(key, options) { this.#do({ do: 'press', key: String(key) }, options); }
  async focus(options) { this.#do({ do: 'focus' }, options); }
  async check(options) { this.#do({ do: 'tick', is: true }, options); }
  async uncheck(options) { this.#do({ do: 'tick', is: false }, options); }
  async setChecked(is, options) { this.#do({ do: 'tick', is: Boolean(is) }, options); }
  async selectOption(option, options) {
    const all = [option].flat().map((one) => (typeof one === 'object' ? one.value ?? one.label ?? unsupported('an option by its index') : String(one)));
    for (const one of all) this.#do({ do: 'choose', option: one }, options);
    return all;
  }
  async textContent(options) { return this.#facts(options).text; }
  async innerText(options) { return this.#facts(options).text; }
  async inputValue(options) { return this.#facts(options).value; }
  async getAttribute(name, options) { return this.#facts(options, String(name)).attribute; }
  async isChecked(options) { return this.#facts(options).checked === true; }
  async isEnabled(options) { return this.#facts(options).enabled; }
  async isDisabled(options) { return !this.#facts(options).enabled; }
  async isVisible() { return (await this.count()) > 0; }
  async isHidden() { return (await this.count()) === 0; }
  async waitFor(options) {
    const state = options?.state ?? 'visible';
    const seen = { visible: true, attached: true, hidden: false, detached: false }[state];
    if (seen === undefined) unsupported(`state: ${state}`);
    this.#do({ do: 'wait', seen }, options);
  }
  async screenshot(options) { perform(this.#page, { do: 'picture', full: false, of: clean(this.#where) }, time(options)); }
}

const by = (kind, value, options, within) => ({ kind, value: texts(value), exact: Boolean(options?.exact), within });
const by_role = (role, options, within) => ({
  kind: 'role', value: String(role), name: options?.name === undefined ? undefined : texts(options.name), exact: Boolean(options?.exact), within,
});

class Page {
  #state;
  #context;
  constructor(context, look) {
    this.#context = context;
    this.#state = { number: next++, timeout: TIMEOUT, closed: false };
    this.keyboard = {
      press: async (key) => { perform(this.#state, { do: 'press', on: null, key: String(key) }); },
      type: async (text) => { for (const letter of String(text)) perform(this.#state, { do: 'press', on: null, key: letter }); },
    };
    this.#do({ do: 'open', ...look });
  }
  #do(does, options) { return perform(this.#state, does, time(options)); }
  #at(written) { return new Locator(this.#state, selector(written)); }
  context() { return this.#context; }
  setDefaultTimeout(ms) { this.#state.timeout = ms; }
  setDefaultNavigationTimeout(ms) { this.#state.timeout = ms; }
  isClosed() { return this.#state.closed; }
  on(event) { unsupported(`page.on('${event}')`); }
  async goto(url, options) { return new Response(this.#do({ do: 'go', url: String(url), until: until(options) }, options)); }
  async reload(options) { return new Response(this.#do({ do: 'reload' }, options)); }
  async goBack(options) { return new Response(this.#do({ do: 'back' }, options)); }
  // As a rule it is waited for beside what leads there, which is written after it.
  waitForNavigation(options) { return later(() => new Response(this.#do({ do: 'arrive', until: until(options) }, options))); }
  waitForLoadState(state = 'load', options) { return later(() => { this.#do({ do: 'arrive', until: until({ waitUntil: state }) }, options); }); }
  waitForURL(url, options) { return later(() => { this.#do({ do: 'url', holds: texts(url) }, options); }); }
  waitForSelector(written, options) { return later(async () => { const found = this.#at(written).first(); await found.waitFor(options); return found; }); }
  waitForFunction(act, options, ...values) { return later(() => this.#do({ do: 'evaluate', body: body(act, values), untilTrue: true }, options)); }
  async waitForTimeout(ms) { this.#do({ do: 'rest', ms: Number(ms) }); }
  async evaluate(act, ...values) { return this.#do({ do: 'evaluate', body: body(act, values), untilTrue: false }); }
  async title() { return this.#do({ do: 'words' }).title; }
  url() { return this.#do({ do: 'words' }).url; }
  async content() { return this.evaluate('document.documentElement.outerHTML'); }
  async screenshot(options) { this.#do({ do: 'picture', full: Boolean(options?.fullPage), of: null }, options); }
  locator(written) { return this.#at(written); }
  getByRole(role, options) { return new Locator(this.#state, by_role(role, options)); }
  getByText(text, options) { return new Locator(this.#state, by('text', text, options)); }
  getByLabel(text, options) { return new Locator(this.#state, by('label', text, options)); }
  getByPlaceholder(text, options) { return new Locator(this.#state, by('placeholder', text, options)); }
  getByTestId(id) { return new Locator(this.#state, by('testId', id)); }
  getByAltText(text) { return new Locator(this.#state, { kind: 'css', value: `[alt="${CSS_text(text)}"]` }); }
  getByTitle(text) { return new Locator(this.#state, { kind: 'css', value: `[title="${CSS_text(text)}"]` }); }
  async $(written) { const found = this.#at(written).first(); return (await found.count()) > 0 ? found : null; }
  async $$(written) { return this.#at(written).all(); }
  async click(written, options) { return this.#at(written).first().click(options); }
  async dblclick(written, options) { return this.#at(written).first().dblclick(options); }
  async hover(written, options) { return this.#at(written).first().hover(options); }
  async fill(written, text, options) { return this.#at(written).first().fill(text, options); }
  async type(written, text, options) { return this.#at(written).first().type(text, options); }
  async press(written, key, options) { return this.#at(written).first().press(key, options); }
  async check(written, options) { return this.#at(written).first().check(options); }
  async uncheck(written, options) { return this.#at(written).first().uncheck(options); }
  async selectOption(written, option, options) { return this.#at(written).first().selectOption(option, options); }
  async textContent(written, options) { return this.#at(written).first().textContent(options); }
  async innerText(written, options) { return this.#at(written).first().innerText(options); }
  async inputValue(written, options) { return this.#at(written).first().inputValue(options); }
  async getAttribute(written, name, options) { return this.#at(written).first().getAttribute(name, options); }
  async isVisible(written) { return this.#at(written).isVisible(); }
  async isHidden(written) { return this.#at(written).isHidden(); }
  async isChecked(written, options) { return this.#at(written).first().isChecked(options); }
  async isEnabled(written, options) { return this.#at(written).first().isEnabled(options); }
  async isDisabled(written, options) { return this.#at(written).first().isDisabled(options); }
  async close() {
    if (this.#state.closed) return;
    this.#do({ do: 'close' });
    this.#state.closed = true;
    this.#context.forget(this);
  }
}
const CSS_text = (text) => texts(text).replace(/["\\]/gu, '\\$&');

class Context {
  #look;
  #pages = [];
  constructor(options = {}) {
    const { viewport, isMobile, userAgent, locale, timezoneID, timezoneId } = options;
    this.#look = {
      viewport: viewport ? [viewport.width, viewport.height] : null, isMobile: Boolean(isMobile), userAgent: userAgent ?? null,
      locale: locale ?? null, timezone: timezoneID ?? timezoneId ?? null,
    };
  }
  pages() { return [...this.#pages]; }
  forget(page) { this.#pages = this.#pages.filter((one) => one !== page); }
  async newPage() {
    if (this.#pages.length > 0) unsupported('a second page of one context');
    const page = new Page(this, this.#look);
    this.#pages.push(page);
    return page;
  }
  async close() {
    for (const page of this.pages()) await page.close();
    if (current === this) current = null;
  }
}

let current = null;
let iteration = -1;
// What an iteration left open was closed at its end.
const opened = () => {
  const now = native.browser.iteration();
  if (now !== iteration) current = null;
  iteration = now;
  return current;
};
export const browser = {
  context: opened,
  isConnected: () => true,
  async newContext(options) {
    if (opened()) throw new Error('a context is open already: close it before');
    current = new Context(options);
    return current;
  },
  async newPage(options) {
    const context = await browser.newContext(options);
    try {
      return await context.newPage();
    } catch (error) {
      current = null;
      throw error;
    }
  },
  async closeContext() { await opened()?.close(); },
};
export default { browser };
