// What happens on a page: views, scrolling, time, exit intent, loading.
const said = { page_type: data.pageType, category: data.category, product_id: data.product };
let shownSince = 0;
const campaignOf = (search) => {
  const campaign = {};
  new URLSearchParams(search).forEach((value, name) => {
    if (name.startsWith('utm_') && !/@/.test(value)) campaign[name === 'utm_campaign' ? 'name' : name.slice(4)] = value;
  });
  return campaign;
};
const shownSeconds = () => Math.round((view.shown + (shownSince ? performance.now() - shownSince : 0)) / 100) / 10;

const scrolled = () => {
  const page = document.documentElement, room = page.scrollHeight - innerHeight;
  const depth = room > 0 ? Math.min(100, Math.round(100 * (scrollY + innerHeight) / page.scrollHeight)) : 100;
  if (!view || depth <= view.depth) return;
  const quarter = Math.floor(depth / 25);
  if (room > 0 && scrollY > 0 && quarter > Math.floor(view.depth / 25)) track('Scrolled', { depth: quarter * 25 }, 5);
  view.depth = depth;
  if (room > 0 && scrollY > 0) askAgain((again) => again.scroll <= depth);
};

const enter = (referrer, isBack) => {
  const url = cleaned(location.href), search = cleaned(location.search);
  view = { page: { url, path: location.pathname, title: document.title, referrer, search }, isLate: isBack,
    campaign: campaignOf(search), at: location.pathname + location.search, shown: 0, depth: 0, exit: false, lcp: 0, told: 0 };
  shownSince = document.visibilityState === 'visible' ? performance.now() : 0;
  put('page', { properties: { ...view.page, ...said } }, 0);
  watchDecided();
  if (head) watchPlaces(view);
};
const leave = () => {
  if (!view) return;
  scrolled();
  if (shownSince) view.shown += performance.now() - shownSince;
  shownSince = 0;
  if (view.lcp) track('Web Vitals', { lcp: Math.round(view.lcp), busy }, 1);
  view.lcp = 0;
  if (shownSeconds() - view.told >= 0.1) track('Page Left', { seconds: view.told = shownSeconds(), depth: view.depth }, 1);
};
const moved = () => {
  if (!view || location.pathname + location.search === view.at) return;
  const before = view.page.url;
  leave();
  enter(before);
};
// What was decided for the new path is filled at once; the page's own router sets the title a little later.
const routed = () => {
  if (head && view && location.pathname !== view.page.path) quietly(head.go)();
  setTimeout(quietly(moved), 50);
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
    askAgain((again) => again.exit);
  });
  on(document, 'visibilitychange', () => {
    if (document.visibilityState === 'hidden') { leave(); send(true); } else shownSince ||= performance.now();
    watchAnew();
  });
  on(window, 'pagehide', () => { leave(); send(true); });
  on(window, 'pageshow', (event) => { if (event.persisted) enter(view.page.url, true); });
  on(window, 'popstate', routed);
  setInterval(quietly(() => askAgain((again) => again.seconds <= shownSeconds() + 0.1)), 1000);
  const push = history.pushState;
  history.pushState = function (...given) {
    const answer = push.apply(this, given);
    routed();
    return answer;
  };
  quietly(() => new PerformanceObserver(quietly((list) => {
    const last = list.getEntries().pop();
    if (last) view.lcp = last.startTime;
  })).observe({ type: 'largest-contentful-paint', buffered: true }))();
};
