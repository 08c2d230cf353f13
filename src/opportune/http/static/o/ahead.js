// Decisions for the next page: kept for this tab, shortly for new tabs, with their images fetched.
const FRESH_MS = 1_800_000, FRESH_IN_TABS_MS = 120_000, LATE_MS = 200, KEPT = 'opportune';
let asked = 0, newest = 0;

const asking = () => {
  const turn = ++asked, since = performance.now(), at = location.pathname, its = view;
  return (answer) => {
    if (turn < newest) return;
    newest = turn;
    const decisions = {};
    for (const [slot, { rule, variant, decision, holdsUntil, page }] of Object.entries(answer.decisions))
      if (page) decisions[slot] = { rule, variant, decision, holdsUntil, page };
    remember(decisions, at, answer.revision);
    // On a first page, and where an answer holds only here: what was not seen yet is filled, late never.
    if (!its.isLate && at === location.pathname) {
      const off = performance.now() - since > LATE_MS;
      fillIn(Object.entries(decisions).filter(([slot]) => !head.places.some((it) => it.slot === slot))
        .map(([slot, it]) => [slot, { ...it, off }]), true);
    }
    its.isLate = true;
    head.free?.();
  };
};

const remember = (decisions, at, revision) => {
  const all = Object.values(decisions), now = Date.now();
  const until = Math.min(now + FRESH_MS, ...all.map((it) => Date.parse(it.holdsUntil) || Infinity));
  // A tab in preview keeps to what it was answered itself.
  const record = { until, made: preview ? 9e15 : now, at, revision, decisions };
  if (!keep('sessionStorage', KEPT, record)) tell('no storage');
  if (mayMeasure() && !preview) keep('localStorage', KEPT, { ...record, last: until, until: Math.min(until, now + FRESH_IN_TABS_MS) });
  (window.requestIdleCallback || setTimeout)(() => all.forEach((it) => it.page.images?.forEach((src) => { new Image().src = src; })));
};
const fillIn = (decisions, isLate) => head.put({ decisions: Object.fromEntries(decisions), at: location.pathname }, isLate);
