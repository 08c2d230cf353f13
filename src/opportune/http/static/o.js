/* Opportune's page script: <script src="https://YOUR-OPPORTUNE/o.js" data-key="WRITE KEY" async></script>
   Reports views, scrolling, time, exit intent and loading; opportune.track() and .identify() are yours.
   Attributes: data-cookie (name of the id cookie, o_id), data-page-type, data-category, data-product. */
(() => {
  const script = document.currentScript, data = script ? script.dataset : {};
  const early = Array.isArray(window.opportune) ? window.opportune : [];
  const quietly = (act) => (...given) => { try { return act(...given); } catch { /* not the page's trouble */ } };
  const api = window.opportune = { track() {}, identify() {}, page() {} };
  if (!script || !data.key || navigator.globalPrivacyControl) return;

  const agent = navigator.userAgent, MOST_WAITING = 60, MOST_AT_ONCE = 20, MOST_TRIES = 4;
  const door = script.src.replace(/\/o\.js.*$/, '') + '/v1/decide';
  const on = (target, name, act) => target.addEventListener(name, quietly(act), { passive: true });
  const newId = () => crypto.randomUUID ? crypto.randomUUID()
    : Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');

  let waiting = [], timer = 0, tries = 0, view = null, shownSince = 0, device = '';

  const readDevice = () => {
    const name = data.cookie || 'o_id';
    const found = document.cookie.split('; ').find((each) => each.startsWith(name + '='));
    if (found) return decodeURIComponent(found.slice(name.length + 1));
    const made = device || newId();
    document.cookie = `${name}=${made}; Path=/; Max-Age=34128000; SameSite=Lax${location.protocol === 'https:' ? '; Secure' : ''}`;
    return made;
  };
  // No fragments, and no values that hold an e-mail address.
  const cleaned = (url) => url.split('#')[0].replace(/([?&][^=&]*=)[^&]*(?:@|%40)[^&]*/gi, '$1');

  const campaignOf = (search) => {
    const campaign = {};
    new URLSearchParams(search).forEach((value, name) => {
      if (name.startsWith('utm_') && !/@/.test(value)) campaign[name === 'utm_campaign' ? 'name' : name.slice(4)] = value;
    });
    return campaign;
  };

  const put = (type, fields, seconds) => {
    if (waiting.length >= MOST_WAITING) return;
    device = readDevice();
    const context = { page: view && view.page, campaign: view && view.campaign, locale: navigator.language,
      userAgent: agent, library: { name: 'o.js', version: '1' } };
    waiting.push(JSON.stringify({ type, messageId: newId(), timestamp: new Date().toISOString(), anonymousId: device,
      ...fields, context: { ...context, ...fields.context } }));
    later(seconds);
  };
  const later = (seconds) => { timer = timer || setTimeout(send, seconds * 1000); };

  const send = quietly((isLeaving) => {
    clearTimeout(timer);
    timer = 0;
    if (!waiting.length) return;
    const events = waiting.splice(0, MOST_AT_ONCE);
    // A text/plain body needs no preflight, so it also leaves with a page that is closing.
    const frame = JSON.stringify({ writeKey: data.key, anonymousId: device, slots: [], sentAt: new Date().toISOString() });
    const body = `${frame.slice(0, -1)},"events":[${events}]}`;
    const again = () => {
      if (++tries > MOST_TRIES) return;
      waiting = events.concat(waiting).slice(0, MOST_WAITING);
      later(2 ** tries);
    };
    if (isLeaving === true && navigator.sendBeacon && navigator.sendBeacon(door, body)) return send(true);
    fetch(door, { method: 'POST', body, keepalive: true, credentials: 'omit' }).then(async (answer) => {
      await answer.text();  // an unread answer never ends
      if (answer.status === 429 || answer.status > 499) return again();
      tries = 0;
      if (waiting.length) later(1);
    }).catch(again);
  });

  const track = (name, properties, seconds) => put('track', { event: String(name), properties: properties || {} }, seconds);
  const shownSeconds = () => Math.round((view.shown + (shownSince ? performance.now() - shownSince : 0)) / 100) / 10;

  const scrolled = () => {
    const page = document.documentElement, room = page.scrollHeight - innerHeight;
    const depth = room > 0 ? Math.min(100, Math.round(100 * (scrollY + innerHeight) / page.scrollHeight)) : 100;
    if (!view || depth <= view.depth) return;
    const quarter = Math.floor(depth / 25);
    if (room > 0 && scrollY > 0 && quarter > Math.floor(view.depth / 25)) track('Scrolled', { depth: quarter * 25 }, 5);
    view.depth = depth;
  };

  const enter = (referrer) => {
    const url = cleaned(location.href), search = cleaned(location.search);
    view = { page: { url, path: location.pathname, title: document.title, referrer, search },
      campaign: campaignOf(search), at: location.pathname + location.search, shown: 0, depth: 0, exit: false, lcp: 0, told: 0 };
    shownSince = document.visibilityState === 'visible' ? performance.now() : 0;
    const said = { page_type: data.pageType, category: data.category, product_id: data.product };
    put('page', { properties: { ...view.page, ...said } }, 0);
  };
  const leave = () => {
    if (!view) return;
    scrolled();
    if (shownSince) view.shown += performance.now() - shownSince;
    shownSince = 0;
    if (view.lcp) track('Web Vitals', { lcp: Math.round(view.lcp) }, 1);
    view.lcp = 0;
    if (shownSeconds() - view.told >= 0.1) track('Page Left', { seconds: view.told = shownSeconds(), depth: view.depth }, 1);
  };
  const moved = () => {
    if (!view || location.pathname + location.search === view.at) return;
    const before = view.page.url;
    leave();
    enter(before);
  };

  const start = () => {
    if (view) return;
    enter(cleaned(document.referrer));
    let isWaiting = false;
    on(window, 'scroll', () => {
      if (isWaiting) return;
      isWaiting = true;
      setTimeout(quietly(() => { isWaiting = false; scrolled(); }), 200);
    });
    on(document, 'mouseout', (event) => {
      if (event.relatedTarget || event.clientY > 0 || view.exit) return;
      view.exit = true;
      track('Exit Intent', { seconds: shownSeconds() }, 0);
    });
    on(document, 'visibilitychange', () => {
      if (document.visibilityState === 'hidden') { leave(); send(true); } else shownSince = shownSince || performance.now();
    });
    on(window, 'pagehide', () => { leave(); send(true); });
    on(window, 'pageshow', (event) => { if (event.persisted) enter(view.page.url); });
    on(window, 'popstate', () => setTimeout(quietly(moved), 50));
    const push = history.pushState;
    history.pushState = function pushState(...given) {
      const answer = push.apply(this, given);
      setTimeout(quietly(moved), 50);  // the page's own router sets the title first
      return answer;
    };
    quietly(() => new PerformanceObserver(quietly((list) => {
      const last = list.getEntries().pop();
      if (last) view.lcp = last.startTime;
    })).observe({ type: 'largest-contentful-paint', buffered: true }))();
  };

  api.track = quietly((name, properties) => track(name, properties, 0));
  api.identify = quietly((userId, traits, userToken) =>
    put('identify', { userId: String(userId), traits: traits || {}, context: userToken ? { userToken } : {} }, 0));
  api.page = quietly(() => { leave(); enter(view ? view.page.url : cleaned(document.referrer)); });
  const begin = quietly(() => {
    start();
    early.forEach(([name, ...given]) => api[name] && api[name](...given));
  });
  if (document.prerendering) document.addEventListener('prerenderingchange', begin, { once: true });
  else begin();
})();
