// Fills places before they are painted, with what was decided on the page before (docs/how/page.md).
// it: a place and its decision; put: one thing to put into it; at: the element it goes to.
(() => {
  const page = document, own = window.opportune ||= [];
  if (own.head) return own.head.twice = 1;
  let hold = '', kept, trust, isLate;
  // The script reads `done` and `faults`, and hears of more by their push().
  const head = own.head = { late: page.body, places: [], done: [], faults: [] };
  const write = (put, at, kind, value) => {
    put.to = at;
    if (kind == 'text') at.textContent = value;
    else if (kind == 'html' || kind == 'shadow')
      (kind == 'html' ? at : at.attachShadow({ mode: 'open' })).innerHTML =
        (trust ||= window.trustedTypes?.createPolicy('opportune', { createHTML: String }) || { createHTML: String }).createHTML(value);
    else if (kind == 'hide') at.style = 'display:none!important';
    else if (value == null) at.removeAttribute(kind);
    else at.setAttribute(kind, value);
    if (kind == 'text' || kind == 'html') {
      put.text = at.textContent;
      // Behind it the parser begins a text of its own, where it would have added to ours.
      at.append(put.end = page.createComment(''));
    }
  };
  const fill = (it, place) => {
    if (!place?.isConnected) {
      it.place = place = page.querySelector(it.find);
      if (!place) return;
      // A server decided it already.
      if (place.dataset.decision) throw 1;
      // What stands in the window when an answer comes has been seen, unless it is held back.
      if (isLate && place.checkVisibility({ visibilityProperty: true }) && place.getBoundingClientRect().top < innerHeight) throw 0;
      watch.observe(place, { childList: true, characterData: true, subtree: true });
    }
    // Before anything is put: whom a test counts may not depend on what is put there.
    if (it.done != place) it.done = place, head.done.push(it);
    let isCounted;
    for (const put of it.put) {
      const at = put[0] ? place.querySelector(put[0]) : place;
      if (at && (at != put.to || put.end && (at.lastChild != put.end || at.textContent != put.text))) {
        // A page that is still read adds pieces; one that goes on rewriting has its way.
        if (put.to && !isCounted && (it.times += isCounted = page.readyState == 'loading' ? .1 : 1) > 5) throw 'rewritten';
        write(put, at, put[1], put[2]);
      }
    }
  };
  const look = () => {
    for (const it of head.places) try {
      it.off || fill(it, it.place);
    } catch (fault) {
      head.faults.push([it, it.off = fault || 1]);
    }
    kept || (hold ||= page.querySelector('[data-hold]')?.dataset.hold || '');
    if (hold && !head.free) try {
      const sheet = new CSSStyleSheet;
      page.adoptedStyleSheets.push(sheet);
      sheet.replaceSync(hold.replace(/{/g, '{visibility:hidden;'));
      setTimeout(head.free = () => sheet.replaceSync(hold), 200);
    } catch {}
    watch.takeRecords();
  };
  const isOn = (path, end) =>
    RegExp('^' + path.replace(/\W/g, (sign) => sign == '*' ? '.*' : '\\' + sign) + end).test(location.pathname);
  const watch = new MutationObserver(look);
  const put = head.put = (answer, late) => {
    for (const [slot, { page, ...it }] of Object.entries(answer.decisions)) {
      if (page && (!page.paths || page.paths.some((path) => isOn(path, '/?$'))))
        // What was decided for another page may not hold here: the script asks anew.
        if (page.here && answer.at != location.pathname || page.notOn?.some((word) => isOn('*/' + word, '([./]|$)')))
          hold += page.hold ? page.find + `{min-height:${page.height}}` : '';
        else {
          head.places.push({ put: [], times: 0, ...it, ...page, slot });
          page.images?.map((src) => Object.assign(new Image, { fetchPriority: 'high', src }));
        }
    }
    isLate = late;
    look();
    isLate = 0;
  };
  const go = head.go = () => {
    kept = 0;
    for (const store of ['sessionStorage', 'localStorage']) try {
      const it = JSON.parse(window[store].opportune);
      // What another tab was answered since counts, not what this one kept.
      if ((kept ? it.last : it.until) > Date.now() && !(it.made <= kept.made)) kept = it;
    } catch {}
    head.places = [];
    put(kept || { decisions: {} });
  };
  watch.observe(page, { childList: true, subtree: true });
  page.addEventListener('prerenderingchange', go);
  go();
})();
