// Opportune's page script: reports what happens on a page, asks for decisions, and keeps them for the next page.
// Attributes of its tag: data-key, data-cookie (name of the id cookie, o_id), data-page-type, data-category,
// data-product, data-hold (docs/how/page.md).
// A tag manager cannot write attributes: its template leaves them in a variable.
const began = performance.now();
const script = document.currentScript || document.querySelector('script[data-key][src*="/o.js"]'), data = { ...window.opportuneTag, ...script?.dataset };
const former = window.opportune || [];
if (former.twice) return former.twice();
const early = former.map ? [...former] : [], head = former.head;
const quietly = (act) => (...given) => { try { return act(...given); } catch { /* not the page's trouble */ } };
const api = window.opportune = { head, track() {}, identify() {}, page() {}, twice() {} };
if (!data.key) return;

const address = script.src.replace(/\/o\.js.*$/, ''), door = address + '/v1/decide';
const on = (target, name, act) => target.addEventListener(name, quietly(act), { passive: true });
const onLoaded = (act) => document.readyState === 'complete' ? act() : on(window, 'load', act);
const newId = () => crypto.randomUUID?.()
  ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(36)).join('');
// No fragments, no preview's word, and no values that hold an e-mail address.
const cleaned = (url) => url.split(/#|.o_preview=/)[0].replace(/([?&][^=&]*=)[^&]*(?:@|%40)[^&]*/gi, '$1');
// Storage may be forbidden; then everything is as on the first page of a visit.
const recall = (name) => { try { return JSON.parse(sessionStorage[name]); } catch { /* nothing is kept */ } };
const keep = (store, name, value) => {
  try {
    window[store].setItem(name, JSON.stringify(value));
    return true;
  } catch { /* nothing is kept */ }
};
const forget = (name) => ['sessionStorage', 'localStorage'].forEach(quietly((store) => window[store].removeItem(name)));
