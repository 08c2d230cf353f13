// Places of this page: what was applied, seen, clicked and dismissed; asking again; what went wrong.
const SEARCH_MS = 5000, SEEN_MS = 1000, MOST_TROUBLES = 9;
const tracked = (name, { slot, rule, variant, decision }, seconds) => track(name, { slot, rule, variant, decision }, seconds);
const troubles = new Set();
const tell = (what, more) => {
  const said = JSON.stringify([what, more]);
  if (troubles.has(said) || troubles.size >= MOST_TROUBLES) return;
  troubles.add(said);
  track('Page Trouble', { what, where: location.pathname, ...more }, 1);
};
api.twice = quietly(() => tell('two scripts'));

const byPlace = new WeakMap();
const isSeen = ({ intersectionRatio, intersectionRect: { width, height } }) =>
  width * height > 0 && document.visibilityState === 'visible'
  && (intersectionRatio >= 0.5 || width * height >= innerWidth * innerHeight / 2);
const eyes = new IntersectionObserver(quietly((entries) => entries.forEach((entry) => {
  const it = byPlace.get(entry.target);
  if (!isSeen(entry)) it.timer = clearTimeout(it.timer);
  else it.timer = it.timer || setTimeout(quietly(() => {
    eyes.unobserve(entry.target);
    it.isSeen = true;
    tracked('Slot Viewed', it, 0.5);
  }), SEEN_MS);
})), { threshold: Array.from({ length: 21 }, (_, step) => step / 20) });
const watch = (it) => {
  if (it.isSeen) return;
  it.timer = clearTimeout(it.timer);
  eyes.unobserve(it.place);
  eyes.observe(it.place);
};
// What a server decided stands there from the start: only that it is seen, clicked and dismissed is told.
const watchDecided = () => document.querySelectorAll('[data-slot][data-decision]').forEach((place) => {
  const it = byPlace.get(place) || { ...place.dataset, place };
  byPlace.set(place, it);
  watch(it);
});
const watchAnew = () => {
  watchDecided();
  head?.places.forEach((it) => it.done && watch(it));
};
const applied = quietly((it) => {
  if (!head.places.includes(it)) return;
  if (!it.isTold) tracked('Slot Applied', it, 0.2);
  it.isTold = true;
  byPlace.set(it.place, it);
  if (!it.isSeen) eyes.observe(it.place);
});
const failed = quietly(([it, fault]) => {
  if (fault === 1) return;
  const what = fault.name === 'SyntaxError' ? 'bad selector' : fault === 'rewritten' ? fault : 'refused';
  tell(what, { slot: it.slot, selector: it.find, detail: String(fault.message || '').slice(0, 200) });
});

const watchPlaces = (its) => {
  head.done.splice(0).forEach(applied);
  head.faults.splice(0).forEach(failed);
  head.done.push = applied;
  head.faults.push = failed;
  onLoaded(() => setTimeout(quietly(() => its === view && head.places.forEach((it) => {
    const missing = it.put.find((put) => !put.to);
    if (it.off) return;
    if (!it.place) {
      it.off = true;
      if (it.paths) tell('place not found', { slot: it.slot, selector: it.find });
    } else if (missing) tell('part not found', { slot: it.slot, selector: `${it.find} ${missing[0]}` });
  })), SEARCH_MS));
};

// A place may ask once more for each thing that happens on the page.
const askAgain = (isDue) => {
  if (!head) return;
  const due = head.places.filter((it) => it.again && !it.isAsked && isDue(it.again) && document.querySelector(it.find));
  if (!due[0]) return;
  due.forEach((it) => { it.isAsked = true; });
  const context = { exitIntent: view.exit, scrollDepth: view.depth, timeOnPage: shownSeconds() };
  post(bodyOf(due.map((it) => it.slot), context, mayMeasure() ? [] : recall(VISIT) || [])).then((answer) => answer.json()).then(quietly(({ decisions }) => {
    const fresh = due.filter((it) => {
      const { page, rule, variant } = decisions[it.slot] || {};
      return page?.put && head.places.includes(it) && (rule !== it.rule || variant !== it.variant);
    });
    head.places = head.places.filter((it) => !fresh.includes(it));
    fillIn(fresh.map(({ slot }) => [slot, { ...decisions[slot], isAsked: true }]));
  })).catch(() => {});
};

on(document, 'click', (event) => {
  const path = event.composedPath(), it = head?.places.find(({ done }) => done && path.includes(done))
    || byPlace.get(path.find((each) => each.dataset?.decision));
  if (!it) return;
  const inside = path.slice(0, path.indexOf(it.place) + 1);
  if (inside.some((each) => each.matches?.('[data-dismiss]'))) {
    it.off = true;
    it.place.style.setProperty('display', 'none', 'important');
    const kept = recall(KEPT);
    if (kept) delete kept.decisions[it.slot];
    forget(KEPT);
    if (kept) keep('sessionStorage', KEPT, kept);
    newest = asked + 1;  // an answer under way does not know of it
    tracked('Slot Dismissed', it, 0);
  } else if (path.some((each) => each.matches?.('a,button,input,[role=button]'))) tracked('Slot Clicked', it, 0);
});
