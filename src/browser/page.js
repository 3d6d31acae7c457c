// What stands in every document, in a world of its own that the page cannot see or change: looks elements up, says
// whether they can be acted on, and tells what the browser measured.
(() => {
  const ROLES = {
    button: 'button, input[type=button], input[type=submit], input[type=reset], input[type=image], summary',
    link: 'a[href], area[href]',
    heading: 'h1, h2, h3, h4, h5, h6',
    textbox: 'input:not([type]), input[type=text], input[type=email], input[type=tel], input[type=url], input[type=password], textarea, [contenteditable]',
    searchbox: 'input[type=search]',
    checkbox: 'input[type=checkbox]',
    radio: 'input[type=radio]',
    image: 'img, svg',
    combobox: 'select:not([multiple]), input[list]',
    listbox: 'select[multiple]',
    option: 'option',
    table: 'table',
    row: 'tr',
    cell: 'td',
    columnheader: 'th',
    navigation: 'nav',
    main: 'main',
    dialog: 'dialog',
    list: 'ul, ol, menu',
    listitem: 'li',
    form: 'form',
    slider: 'input[type=range]',
    spinbutton: 'input[type=number]',
    progressbar: 'progress',
    article: 'article',
    banner: 'header',
    contentinfo: 'footer',
  };
  const MOST = 200;
  const normal = (text) => (text || '').replace(/\s+/gu, ' ').trim();
  const folded = (text) => normal(text).toLowerCase();
  const matches = (text, wanted, exact) =>
    exact ? normal(text) === normal(wanted) : folded(text).includes(folded(wanted));

  // The document and every open shadow root within it, from a root on.
  const roots = (root) => {
    const all = [root];
    for (let i = 0; i < all.length; i++)
      for (const element of all[i].querySelectorAll('*')) if (element.shadowRoot) all.push(element.shadowRoot);
    return all;
  };
  const start = (scope) => scope || document;
  const query = (scope, css) => {
    const all = roots(start(scope)).flatMap((root) => [...root.querySelectorAll(css)]);
    if (scope?.shadowRoot) all.push(...roots(scope.shadowRoot).flatMap((root) => [...root.querySelectorAll(css)]));
    return all;
  };
  // Fields that pages draw themselves lie there unseen, and are what is clicked and ticked all the same.
  const drawn = (element) => element.tagName === 'INPUT' && ['checkbox', 'radio', 'file', 'range'].includes(element.type);
  // Of a list, what is chosen is seen, and all of it where it stands open.
  const offered = (option) => {
    const list = option.closest('select');
    return !!list && visible(list) && (list.multiple || list.size > 1 || option.selected || option.tagName === 'OPTGROUP');
  };
  const visible = (element) => {
    if (element.tagName === 'OPTION' || element.tagName === 'OPTGROUP') return offered(element);
    if (element.tagName === 'INPUT' && element.type === 'file') return element.isConnected;
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: !drawn(element) })) return false;
    const box = element.getBoundingClientRect();
    // Nobody can scroll to what lies left of the page, or above it.
    if (box.right + scrollX <= 0 || box.bottom + scrollY <= 0) return false;
    if (box.width > 1 && box.height > 1) return true;
    if (drawn(element) || element.tagName === 'HR') return box.width > 0 || box.height > 0;
    const style = getComputedStyle(element);
    if (style.display === 'contents') return [...element.childNodes].some((child) => child.nodeType === Node.TEXT_NODE ? normal(child.data) : child.nodeType === Node.ELEMENT_NODE && visible(child));
    if (style.overflow !== 'visible' || style.position === 'absolute' && style.clip !== 'auto') return false;
    // What flows out of a box without a size can be seen.
    const range = document.createRange();
    range.selectNodeContents(element);
    return [...range.getClientRects()].some((part) => part.width > 1 && part.height > 1);
  };
  const clear = (color) => /^rgba\(.*, 0\)$/u.test(color);
  const opaque = (element) => {
    for (let at = element; at; at = at.parentElement) if (getComputedStyle(at).opacity < 0.99) return false;
    if (['IMG', 'IFRAME', 'VIDEO', 'CANVAS', 'EMBED', 'OBJECT'].includes(element.tagName)) return true;
    const { backgroundColor, backgroundImage } = getComputedStyle(element);
    const alpha = Number(/^rgba\(.*, ([\d.]+)\)$/u.exec(backgroundColor)?.[1] ?? 1);
    return backgroundImage !== 'none' || alpha >= 0.99;
  };
  // What can be seen of its boxes here and now: within the window, and within all that cuts it off.
  const parts = (element) => {
    let [left, top, right, bottom] = [0, 0, innerWidth, innerHeight];
    for (let at = element.parentElement; at && at !== document.body; at = at.parentElement) {
      if (getComputedStyle(at).overflow === 'visible') continue;
      const box = at.getBoundingClientRect();
      [left, top, right, bottom] = [Math.max(left, box.left), Math.max(top, box.top), Math.min(right, box.right), Math.min(bottom, box.bottom)];
    }
    const cut = [...element.getClientRects()].slice(0, 5).map((box) => [Math.max(left, box.left), Math.max(top, box.top), Math.min(right, box.right), Math.min(bottom, box.bottom)]);
    return cut.filter(([x1, y1, x2, y2]) => x2 - x1 > 1 && y2 - y1 > 1);
  };
  // What lies over all of an element, so that nobody sees it; nothing where that is not so, or cannot be told.
  const cover_of = (element) => {
    if (getComputedStyle(element).pointerEvents === 'none') return null;
    let over = null;
    for (const [x1, y1, x2, y2] of parts(element))
      for (const [across, down] of [[0.5, 0.5], [0.1, 0.2], [0.9, 0.2], [0.1, 0.8], [0.9, 0.8]]) {
        const [x, y] = [x1 + (x2 - x1) * across, y1 + (y2 - y1) * down];
        // What lies behind a dialog is dimmed, and can be seen beside it.
        const is_beside = (one) => {
          const box = one.getBoundingClientRect();
          return x < box.left || x > box.right || y < box.top || y > box.bottom;
        };
        const stack = document.elementsFromPoint(x, y);
        const top = stack.find((one) => within(one, element) || within(element, one) || (!is_beside(one) && opaque(one)));
        if (!top || within(top, element) || within(element, top)) return null;
        over = top;
      }
    return over;
  };
  // How many of those that were found nobody hides; what hides the first of them, if all are hidden.
  const uncovered = () => {
    const covers = last.map((element) => {
      if (!cover_of(element)) return null;
      element.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
      return cover_of(element);
    });
    const free = covers.filter((cover) => !cover).length;
    return { count: free, by: free || !covers.length ? null : shown(covers[0]) };
  };
  const labels = (element) => {
    const told = [...(element.labels || [])].map((label) => label.textContent);
    const by = (element.getAttribute('aria-labelledby') || '').split(/\s+/u).filter(Boolean);
    for (const id of by) told.push(element.getRootNode().getElementById?.(id)?.textContent);
    told.push(element.getAttribute('aria-label'));
    return told.filter(Boolean).map(normal);
  };
  // All words that a name may be made of; the name itself is the browser's to say.
  const words = (element) =>
    folded(
      [
        element.textContent,
        element.getAttribute('title'),
        element.value && ['button', 'submit', 'reset'].includes(element.type) ? element.value : '',
        element.getAttribute('alt'),
        element.getAttribute('placeholder'),
        ...labels(element),
        ...[...element.querySelectorAll('img[alt], [aria-label], [title]')].map(
          (inner) => `${inner.getAttribute('alt') || ''} ${inner.getAttribute('aria-label') || ''} ${inner.getAttribute('title') || ''}`,
        ),
        ['submit', 'reset'].includes(element.type) ? element.type : '',
      ].join(' '),
    );
  const by_role = (scope, role) => {
    const css = ROLES[role];
    const plain = css ? query(scope, css).filter((element) => !element.hasAttribute('role')) : [];
    const named = query(scope, `[role~="${CSS.escape(role)}"]`);
    return [...new Set([...plain, ...named])];
  };
  const own_text = (element) =>
    ['button', 'submit', 'reset'].includes(element.type) ? element.value || element.textContent : element.textContent;
  // Whether a text stands there for whoever looks: what hidden elements and scripts hold is no part of it.
  const is_seen = (element, wanted, exact) => {
    if (element.innerText === undefined || ['INPUT', 'OPTION'].includes(element.tagName)) return true;
    const seen = element.innerText;
    const { textTransform, color, webkitTextFillColor, backgroundClip } = getComputedStyle(element);
    if ((clear(color) || clear(webkitTextFillColor)) && backgroundClip !== 'text') return false;
    const is_changed = textTransform !== 'none';
    return matches(seen, wanted, exact && !is_changed);
  };
  const by_text = (scope, wanted, exact) => {
    const found = [];
    const smallest = (element) => {
      if (['SCRIPT', 'STYLE', 'NOSCRIPT', 'TEMPLATE'].includes(element.tagName)) return false;
      const holds = matches(own_text(element), wanted, exact);
      if (!holds && !(exact && matches(own_text(element), wanted, false))) return false;
      let within = false;
      for (const child of element.children) within = smallest(child) || within;
      if (!within && holds && is_seen(element, wanted, exact)) found.push(element);
      return within || holds;
    };
    const begin = start(scope);
    for (const root of roots(begin))
      for (const child of root === document ? [document.body].filter(Boolean) : root === begin ? [begin] : root.children) smallest(child);
    if (scope?.shadowRoot) for (const root of roots(scope.shadowRoot)) for (const child of root.children) smallest(child);
    return found;
  };
  const CONTROLS = 'input, textarea, select, button, meter, output, progress, [contenteditable], [role], [aria-label], [aria-labelledby]';
  const found_by = (scope, by) => {
    const { kind, value, name, exact } = by;
    switch (kind) {
      case 'role': {
        const all = by_role(scope, value);
        if (name === undefined) return all;
        const parts = folded(name).split(' ');
        return all.filter((element) => {
          const told = words(element);
          return parts.every((part) => told.includes(part));
        });
      }
      case 'label': {
        const all = query(scope, CONTROLS);
        const same = all.filter((element) => labels(element).some((label) => matches(label, value, true) || folded(label) === folded(value)));
        return same.length || exact ? same : all.filter((element) => labels(element).some((label) => matches(label, value, false)));
      }
      case 'text':
        return by_text(scope, value, exact);
      case 'placeholder':
        return query(scope, '[placeholder]').filter((element) => matches(element.getAttribute('placeholder'), value, exact));
      case 'test_id':
        return query(scope, `[data-testid="${CSS.escape(value)}"], [data-test-id="${CSS.escape(value)}"], [data-test="${CSS.escape(value)}"]`);
      case 'xpath': {
        const all = document.evaluate(value, scope || document, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE, null);
        const nodes = Array.from({ length: all.snapshotLength }, (_, at) => all.snapshotItem(at));
        return nodes.filter((node) => node.nodeType === Node.ELEMENT_NODE);
      }
      default:
        return query(scope, value);
    }
  };
  const shown = (element) => {
    const name = normal(labels(element)[0] || own_text(element) || element.getAttribute('placeholder') || element.getAttribute('alt') || '');
    const tag = element.tagName.toLowerCase();
    const id = element.id ? `#${element.id}` : element.classList?.length ? `.${element.classList[0]}` : '';
    const safe = element.type === 'password' ? '' : name.slice(0, 60);
    return safe ? `${tag}${id} "${safe}"` : `${tag}${id}`;
  };
  // What stands there instead: names of the same kind, those first that share most words.
  const near = (scope, by) => {
    const wanted = folded(by.name ?? by.value).split(' ').filter(Boolean);
    let all = [];
    if (by.kind === 'role') all = by_role(scope, by.value).filter(visible).map((element) => normal(labels(element)[0] || own_text(element) || element.getAttribute('alt')));
    else if (by.kind === 'label') all = query(scope, CONTROLS).filter(visible).flatMap(labels);
    else if (by.kind === 'placeholder') all = query(scope, '[placeholder]').map((element) => element.getAttribute('placeholder'));
    else if (by.kind === 'test_id') all = query(scope, '[data-testid]').map((element) => element.dataset.testid);
    else if (by.kind === 'text') all = (document.body?.innerText || '').slice(0, 200000).split('\n');
    const score = (text) => {
      const told = folded(text);
      return wanted.filter((word) => told.includes(word)).length;
    };
    const different = [...new Set(all.map((text) => normal(text).slice(0, 80)).filter(Boolean))];
    return different.sort((a, b) => score(b) - score(a)).slice(0, 5);
  };

  let scope = null;
  let last = [];
  // Looks up within what was chosen before; what is hidden counts only for who asks for it.
  const look = (by, also_hidden) => {
    if (scope && !scope.isConnected) scope = null;
    const all = found_by(scope, by);
    last = (also_hidden ? all : all.filter(visible)).slice(0, MOST);
    return { count: last.length, hidden: all.length - last.length };
  };
  const keep = (which) => {
    last = which.map((at) => last[at]).filter(Boolean);
  };
  const frames = () =>
    new Promise((done) => {
      const late = setTimeout(done, 250);
      requestAnimationFrame(() => requestAnimationFrame(() => { clearTimeout(late); done(); }));
    });
  const hit = (x, y) => {
    let found = document.elementFromPoint(x, y);
    while (found?.shadowRoot) {
      const deeper = found.shadowRoot.elementFromPoint(x, y);
      if (!deeper || deeper === found) break;
      found = deeper;
    }
    return found;
  };
  const within = (inner, outer) => {
    for (let at = inner; at; at = at.parentNode || at.host) if (at === outer) return true;
    return false;
  };
  const disabled = (element) =>
    element.matches(':disabled') || !!element.closest('[aria-disabled=true]');
  const centre = (element) => {
    const box = element.getClientRects()[0] || element.getBoundingClientRect();
    const part = (from, size, room) => (Math.max(from, 0) + Math.min(from + size, room)) / 2;
    return [part(box.left, box.width, innerWidth), part(box.top, box.height, innerHeight)];
  };
  const same = (a, b) => a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height;
  // Whether the one element that was found can be acted on, and where.
  const ready = async (nth, wants) => {
    const told = (state, more) => ({ state, ...more });
    const element = nth === null ? last[0] : last[nth < 0 ? last.length + nth : nth];
    if (!element) return told('none', { count: last.length });
    if (nth === null && last.length > 1) return told('several', { count: last.length, shown: last.slice(0, 3).map(shown) });
    last = [element];
    if (!wants.length) return told('ready', { shown: shown(element) });
    if (wants.includes('enabled') && disabled(element)) return told('disabled', { shown: shown(element) });
    if (wants.includes('editable') && (element.readOnly || element.getAttribute('aria-readonly') === 'true'))
      return told('read-only', { shown: shown(element) });
    const box = element.getBoundingClientRect();
    const outside = box.top < 0 || box.left < 0 || box.bottom > innerHeight || box.right > innerWidth;
    if (outside) element.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
    if (wants.includes('stable')) {
      const before = element.getBoundingClientRect();
      await frames();
      if (!element.isConnected) return told('gone', {});
      if (!same(before, element.getBoundingClientRect())) return told('moving', { shown: shown(element) });
    }
    if (!visible(element)) return told('hidden', { shown: shown(element) });
    const [x, y] = centre(element);
    if (wants.includes('hit')) {
      const top = hit(x, y);
      const is_it = top && (within(top, element) || within(element, top) && top.tagName === 'LABEL' || top.closest?.('label')?.control === element);
      if (!is_it) return told('covered', { shown: shown(element), by: top ? shown(top) : 'nothing that can be hit' });
    }
    return told('ready', { x, y, shown: shown(element) });
  };
  // Whether a click reaches what was found: also what it does to others is known only if it does.
  let clicked = null;
  let hear = null;
  const listen = () => {
    const [element] = last;
    clicked = false;
    removeEventListener('click', hear, { capture: true });
    // Of a label, its field hears of it by a click of its own.
    hear = (event) => { clicked ||= event.composedPath().includes(element); };
    addEventListener('click', hear, { capture: true });
    return true;
  };
  const heard = () => {
    removeEventListener('click', hear, { capture: true });
    return clicked;
  };
  const setter = (element, value) => {
    const kind = element.tagName === 'TEXTAREA' ? HTMLTextAreaElement : element.tagName === 'SELECT' ? HTMLSelectElement : HTMLInputElement;
    Object.getOwnPropertyDescriptor(kind.prototype, 'value').set.call(element, value);
  };
  const changed = (element) => {
    element.dispatchEvent(new Event('input', { bubbles: true, composed: true }));
    element.dispatchEvent(new Event('change', { bubbles: true }));
  };
  // Makes an element ready to be typed into, in place of what it holds; says whether it is done already.
  const fill = (value) => {
    const [element] = last;
    element.focus();
    if (element.isContentEditable && element.value === undefined) {
      getSelection().selectAllChildren(element);
      return { done: false, is_empty: !normal(element.textContent) };
    }
    if (!('value' in element)) return { wrong: `${shown(element)} cannot be filled` };
    if (['date', 'time', 'datetime-local', 'month', 'week', 'color', 'range'].includes(element.type)) {
      setter(element, value);
      if (element.value !== value) return { wrong: `${shown(element)} takes no such value` };
      changed(element);
      return { done: true };
    }
    if (['checkbox', 'radio', 'file', 'submit', 'button', 'image', 'reset'].includes(element.type) || element.tagName === 'SELECT')
      return { wrong: `${shown(element)} cannot be filled` };
    element.select?.();
    return { done: false, is_empty: element.value === '' };
  };
  const choose = (option) => {
    const [element] = last;
    if (element.tagName !== 'SELECT') return { wrong: `${shown(element)} is no list to choose from` };
    const all = [...element.options];
    const found = all.find((one) => normal(one.label) === normal(option)) || all.find((one) => one.value === option);
    if (!found) return { wrong: `it offers ${all.slice(0, 10).map((one) => `"${normal(one.label)}"`).join(', ') || 'nothing'}` };
    if (found.disabled) return { wrong: `the option "${normal(found.label)}" is disabled` };
    found.selected = true;
    changed(element);
    return { done: true };
  };
  const facts = (attribute) => {
    const [element] = last;
    return {
      text: normal(element.innerText ?? element.textContent).slice(0, 100000),
      value: element.type === 'password' ? '' : element.value ?? null,
      checked: element.checked ?? (element.getAttribute('aria-checked') === 'true' || null),
      enabled: !disabled(element),
      attribute: attribute ? element.getAttribute(attribute) : null,
    };
  };
  const place = () => {
    const box = last[0].getBoundingClientRect();
    return { x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height, left: box.x + (last[0].clientLeft || 0), top: box.y + (last[0].clientTop || 0) };
  };
  const masks = [];
  const covered = [];
  const still = new CSSStyleSheet();
  still.replaceSync('*, *::before, *::after { caret-color: transparent !important; scroll-behavior: auto !important }');
  // What moves comes to its end; what never ends stands still where it is neither at its beginning nor at its end. What a
  // person sees at last is what is kept: without its animation it may be there and not be seen, or the other way round.
  const halted = [];
  const halt = () => {
    for (const root of roots(document))
      for (const animation of root.getAnimations?.() || [])
        try {
          const { endTime, delay, duration } = animation.effect.getComputedTiming();
          if (animation.playState === 'paused' || animation.playState === 'finished') continue;
          if (Number.isFinite(endTime)) animation.finish();
          else {
            animation.pause();
            animation.currentTime = delay + duration / 4;
            halted.push(animation);
          }
        } catch {
          // One without a time of its own follows the scrolling, and stands still without it.
        }
  };
  // Nothing moves while a picture is taken, and what was found is covered.
  const cover = () => {
    for (const element of last) {
      const box = element.getBoundingClientRect();
      const cover = document.createElement('div');
      cover.style.cssText = `position:absolute;z-index:2147483647;background:#f0f;pointer-events:none;left:${box.x + scrollX}px;top:${box.y + scrollY}px;width:${box.width}px;height:${box.height}px`;
      document.documentElement.append(cover);
      masks.push(cover);
      element.setAttribute('bellwether-covered', '');
      covered.push(element);
    }
  };
  const freeze = async () => {
    document.adoptedStyleSheets = [...document.adoptedStyleSheets.filter((sheet) => sheet !== still), still];
    await Promise.race([document.fonts.ready, new Promise((late) => setTimeout(late, 1000))]);
    halt();
    return { width: document.documentElement.scrollWidth, height: Math.max(document.documentElement.scrollHeight, document.body?.scrollHeight || 0) };
  };
  const thaw = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => sheet !== still);
    for (const mask of masks.splice(0)) mask.remove();
    for (const element of covered.splice(0)) element.removeAttribute('bellwether-covered');
    for (const animation of halted.splice(0)) animation.play();
  };
  // How wide letters are in the fonts that are here: what draws text the same way has the same ones.
  const fonts = () => {
    const drawn = document.createElement('canvas').getContext('2d');
    return ['serif', 'sans-serif', 'monospace', 'system-ui', 'Arial', 'emoji'].map((family) => {
      drawn.font = `100px ${family}`;
      return drawn.measureText('Hamburgefonstiv 0123 \u00e4\u4e16\ud83d\ude00').width;
    }).join(' ');
  };
  // Whether there is anything on the page that somebody could see.
  const shows = () => {
    if (!document.body) return false;
    if (normal(document.body.innerText)) return true;
    const things = 'img, svg, canvas, video, iframe, embed, object, input, textarea, select, button';
    return query(null, things).some(visible) || roots(document).slice(1).some((root) => [...root.children].some((child) => visible(child) && normal(child.innerText)));
  };
  // Whether a text can be read anywhere, in whichever parts it is written: also in fields.
  const bare = (text) => folded((text || '').replace(/[\u00ad\u200b-\u200d\u2060\ufeff]/gu, ''));
  const reads = (wanted) => {
    const fields = query(null, 'input, textarea').filter((field) => field.type !== 'password' && visible(field));
    const told = [
      document.body?.innerText,
      ...roots(document).slice(1).flatMap((root) => [...root.children].map((child) => (visible(child) ? child.innerText : ''))),
      ...fields.map((field) => field.value || field.placeholder),
    ];
    return told.some((text) => bare(text).includes(bare(wanted)));
  };
  const page = (limit) => ({ title: document.title, text: (document.body?.innerText || '').slice(0, limit) });
  globalThis.bellwether = {
    look, keep, ready, near, shows, frames, fill, choose, facts, place, cover, freeze, thaw, fonts, page, reads, uncovered, listen, heard,
    narrow: () => { [scope] = last; },
    widen: () => { scope = null; },
    element: (at) => last[at],
  };

  // What the browser measures is told at once: what is asked for at the end of a document comes too late.
  const tell = (entry) => globalThis.bellwetherMeasured?.(JSON.stringify(entry));
  const observe = (type, each, more) => {
    try {
      new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({ type, buffered: true, ...more });
    } catch {
      // A browser that does not know it measures it not.
    }
  };
  if (window === top) {
    const [first] = performance.getEntriesByType('navigation');
    if (first?.responseStart > 0) tell({ kind: 'navigation', at: first.responseStart });
    observe('navigation', (entry) => tell({ kind: 'navigation', at: entry.responseStart }));
    observe('paint', (entry) => entry.name === 'first-contentful-paint' && tell({ kind: 'paint', at: entry.startTime }));
    observe('largest-contentful-paint', (entry) => tell({ kind: 'largest', at: entry.startTime }));
    observe('layout-shift', (entry) => entry.hadRecentInput || tell({ kind: 'shift', at: entry.startTime, by: entry.value }));
    observe('longtask', (entry) => tell({ kind: 'task', at: entry.startTime, lasted: entry.duration }));
    const event = (entry) => entry.interactionId && tell({ kind: 'event', id: entry.interactionId, lasted: entry.duration });
    observe('event', event, { durationThreshold: 16 });
    observe('first-input', event);
  }
})();
