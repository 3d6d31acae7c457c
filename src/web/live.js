// Keeps a page up to date without reloading it; whoever types or has something open is not disturbed.
"use strict";
(() => {
  const main = document.querySelector("main[data-live]");
  if (!main || !window.EventSource) return;

  const isBusy = () => {
    const active = document.activeElement;
    const types = active && main.contains(active) && /^(INPUT|SELECT|TEXTAREA)$/.test(active.tagName);
    const selects = window.getSelection && !window.getSelection().isCollapsed;
    return types || selects || main.querySelector("details.order[open]") !== null;
  };

  const morph = (old, fresh) => {
    if (old.isEqualNode(fresh)) return;
    const alike = old.nodeType === 1 && fresh.nodeType === 1 && old.tagName === fresh.tagName;
    if (!alike) {
      old.replaceWith(fresh.cloneNode(true));
      return;
    }
    for (const { name } of Array.from(old.attributes)) {
      if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
    }
    for (const { name, value } of Array.from(fresh.attributes)) {
      if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    const before = Array.from(old.childNodes);
    const after = Array.from(fresh.childNodes);
    after.forEach((node, at) => {
      if (at < before.length) morph(before[at], node);
      else old.appendChild(node.cloneNode(true));
    });
    before.slice(after.length).forEach((node) => node.remove());
  };

  const where = location.pathname + location.search;
  const source = new EventSource("/live?at=" + encodeURIComponent(where));
  source.addEventListener("main", (event) => {
    if (isBusy()) return;
    const page = new DOMParser().parseFromString(event.data, "text/html");
    const fresh = page.querySelector("main");
    if (fresh) morph(main, fresh);
  });
  source.addEventListener("gone", () => location.reload());
  window.addEventListener("pagehide", () => source.close());
})();
