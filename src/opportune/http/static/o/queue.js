// Events on their way. Those that may change what is shown bring fresh decisions back.
const agent = navigator.userAgent, MOST_WAITING = 60, MOST_AT_ONCE = 20, MOST_TRIES = 4, VISIT = 'opportune_visit', TOLD = 'opportune_before';
const QUIET = /^(Slot (Applied|Viewed)|Scrolled|Page (Left|Trouble)|Exit Intent|Web Vitals)$/;
let waiting = [], timer = 0, tries = 0, isAsking = false, view = null, before = recall(TOLD);

const put = (type, fields, seconds) => {
  const isMeasured = mayMeasure(), isQuiet = QUIET.test(fields.event), unsent = isMeasured ? waiting : recall(VISIT) || [];
  if (unsent.length >= MOST_WAITING || !isMeasured && isQuiet) return;
  device = isMeasured ? readDevice() : '';
  const context = { page: view?.page, campaign: view?.campaign, locale: navigator.language,
    userAgent: agent, library: { name: 'o.js', version: '2' } };
  unsent.push(JSON.stringify({ type, messageId: newId(), timestamp: new Date().toISOString(), anonymousId: device || undefined,
    ...fields, context: { ...context, ...fields.context } }));
  // Before a yes this visit's events stay with the visit, and only go along with questions.
  if (!isMeasured) keep('sessionStorage', VISIT, unsent);
  isAsking ||= head && !isQuiet;
  later(seconds);
};
const later = (seconds) => { timer ||= setTimeout(send, seconds * 1000); };
const track = (name, properties, seconds) => put('track', { event: String(name), properties: properties || {} }, seconds);

// A text/plain body needs no preflight, so it also leaves with a page that is closing.
const bodyOf = (slots, more, events) => {
  // How this visit stood when it last asked: so it is counted once, and needs no id for that.
  const frame = JSON.stringify({ writeKey: data.key, anonymousId: device || undefined, before, slots, ...slots.length && { ahead: true, page: true },
    context: { preview, page: { ...view?.page, ...said }, consent: consent.said(), ...more }, sentAt: new Date().toISOString() });
  keep('sessionStorage', TOLD, before = mayMeasure());
  return `${frame.slice(0, -1)},"events":[${events}]}`;
};
const post = (body) => fetch(door, { method: 'POST', body, keepalive: body.length < 6e4, credentials: 'omit' });

const send = quietly((isLeaving) => {
  clearTimeout(timer);
  timer = 0;
  const isMeasured = mayMeasure(), asks = isAsking && isLeaving !== true;
  const events = isMeasured ? waiting.splice(0, MOST_AT_ONCE) : recall(VISIT) || [];
  if (!asks && !(isMeasured && events.length)) return;
  const body = bodyOf(asks ? 'all' : [], {}, events), take = asks && asking();
  isAsking = isAsking && !asks;
  const again = () => {
    if (++tries > MOST_TRIES) return;
    waiting = (isMeasured ? events : []).concat(waiting).slice(0, MOST_WAITING);
    isAsking ||= asks;
    later(2 ** tries);
  };
  if (isLeaving === true && navigator.sendBeacon?.(door, body)) return send(true);
  post(body).then(async (answer) => {
    const text = await answer.text();  // an unread answer never ends
    if (answer.status === 429 || answer.status > 499) return again();
    tries = 0;
    if (take && answer.ok) quietly(take)(JSON.parse(text));
    if (waiting.length) later(1);
  }).catch(again);
});

const consented = () => {
  if (mayMeasure()) {
    device = readDevice();
    waiting = (recall(VISIT) || []).map((event) => JSON.stringify({ ...JSON.parse(event), anonymousId: device })).concat(waiting);
    forget(VISIT);
    if (consent.purposes()) track('Consent Updated', consent.said(), 0);
  } else {
    // That it was taken back is the last thing said of this id.
    if (device) post(bodyOf([], {}, [JSON.stringify({ type: 'track', event: 'Consent Updated', messageId: newId(), anonymousId: device, properties: consent.said() })])).catch(() => {});
    setCookie('', 0);
    device = '';
    waiting = [];
    forget('opportune');
  }
  isAsking = head;
  later(0);
};
