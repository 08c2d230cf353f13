// For pages with forms: that one was begun, that it was sent, and that it made a lead; never a field, never a value.
// A form's name is its data-form, id, name or the path of its action; data-form="none" leaves it alone.
(() => {
  if (window.opportuneForms) return;
  window.opportuneForms = true;
  const NOISE = 'form.cart,[method=dialog],[role=search],[role=search] *,search *,[action*="/cart"],[action*="/search"]';
  const TWICE_MS = 1000, LONGEST = 100;
  const begun = new WeakSet(), sentAt = new WeakMap(), leads = new WeakSet();

  // An input may be called `id` or `action`, and would stand in for the form's own.
  const pathOf = (form) => {
    const { protocol, pathname } = new URL(form.getAttribute('action') || '', document.baseURI);
    const path = /^http/.test(protocol) ? pathname : location.pathname;
    return /@|%40/.test(path) ? '' : path;
  };
  const nameOf = (form) => {
    const given = ['data-form', 'id', 'name'].map((attribute) => form.getAttribute(attribute)).find(Boolean);
    const isMeant = form.matches('[data-form],[data-lead]'), isNoise = form.matches(NOISE) || form.querySelector('[type=search]');
    return given === 'none' || !isMeant && isNoise ? '' : (given || pathOf(form)).slice(0, LONGEST);
  };
  // Until the page script comes, what is said to it waits in a list.
  const track = (event, properties) => {
    const api = window.opportune ||= [];
    if (Array.isArray(api)) api.push(['track', event, properties]);
    else api.track(event, properties);
  };
  const on = (happening, act) => window.addEventListener(happening, (event) => {
    try {
      const target = event.composedPath()[0], form = target.closest('form') || target.form, name = form && nameOf(form);
      if (name && event.isTrusted) act(form, name);
    } catch { /* not the form's trouble */ }
  }, { capture: true, passive: true });

  on('input', (form, name) => {
    if (begun.has(form)) return;
    begun.add(form);
    track('Form Started', { form: name });
  });
  on('submit', (form, name) => {
    if (Date.now() - sentAt.get(form) < TWICE_MS) return;
    sentAt.set(form, Date.now());
    track('Form Submitted', { form: name });
    const source = form.getAttribute('data-lead');
    if (source === null || leads.has(form)) return;
    leads.add(form);
    track('Lead Generated', { form: name, lead_source: source || undefined });
  });
})();
