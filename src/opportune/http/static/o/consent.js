// Consent: which banner this page has, and what its visitor agreed to.
// `purposes()` is a list of purposes, or null where nobody asks. Before an answer it is ['personalize']: what happens
// in this visit serves this visit, and nothing of it is kept. Global Privacy Control always takes measuring back.
// A banner answers nothing where it is not on the page, [] before its visitor answered, else yes/no to each purpose.
const PURPOSES = ['measure', 'personalize', 'ads'], BANNER = 'opportune_banner', layerActs = [];
let layer;
const hookLayer = quietly(() => {
  const name = data.layer || 'dataLayer', found = window[name] = window[name] || [], push = found.push;
  const tell = (entry) => layerActs.forEach((act) => quietly(act)(entry));
  if (found === layer) return;
  layer = found;
  layer.push = function (...entries) {
    const answer = push.apply(this, entries);
    entries.forEach(tell);
    return answer;
  };
  layer.forEach(tell);
});

const consent = (() => {
  const named = data.consent, acts = [], google = {};
  const hasCookie = (pattern) => RegExp(pattern).test(document.cookie);
  const answer = (given, isAnswered) => given[0] || isAnswered ? given : [];
  let kept = recall(BANNER), own, isUpdated, isLate, isHeard, banner, agreed;

  const banners = {
    own: () => own,
    cookiebot: () => {
      const { consent: given, hasResponse } = window.Cookiebot;
      return answer([given.statistics, given.preferences, given.marketing], hasResponse);
    },
    onetrust: () => {
      const active = window.OptanonActiveGroups.split(',');
      return answer((data.consentGroups || 'C0002 C0003 C0004').split(' ').map((group) => active.includes(group)), hasCookie('OptanonAlertBoxClosed='));
    },
    complianz: () => {
      const ask = window.cmplz_has_consent || ((kind) => hasCookie(`cmplz_(rt_)?${kind}=allow`));
      return (window.complianz || hasCookie('cmplz_')) && answer(['statistics', 'preferences', 'marketing'].map(ask), hasCookie('cmplz_(rt_)?statistics='));
    },
    shopify: () => {
      const shop = window.Shopify, privacy = shop.customerPrivacy;
      return privacy ? answer([privacy.analyticsProcessingAllowed(), privacy.preferencesProcessingAllowed(), privacy.marketingAllowed()],
        privacy.currentVisitorConsent().analytics) : shop.loadFeatures && [];
    },
    google: () => google.analytics_storage && answer(['analytics_storage', 'personalization_storage', 'ad_storage']
      .map((kind) => (google[kind] || google.analytics_storage) === 'granted'), isUpdated),
  };
  const names = Object.keys(banners).filter((name) => !named || name === 'own' || name === named);

  const limited = () => navigator.globalPrivacyControl ? (agreed || PURPOSES).filter((purpose) => purpose[0] === 'p') : agreed;
  const look = () => {
    let found;
    banner = named && !banners[named] && named !== 'none' ? 'unknown' : 'none';
    banner = names.find((name) => found = quietly(banners[name])()) || banner;
    if (found ? found.length : named ? named === 'none' : isLate) {
      agreed = found ? PURPOSES.filter((_, place) => found[place]) : null;
      if (!isHeard || String(agreed) !== String(kept[1])) isHeard = keep('sessionStorage', BANNER, kept = [banner, agreed]) || true;
    } else agreed = kept && !isHeard && !isLate && (!found || kept[0] === banner) ? kept[1] : ['personalize'];
  };
  const changed = quietly(() => {
    const before = JSON.stringify(limited());
    look();
    if (before !== JSON.stringify(limited())) acts.forEach((act) => act());
  });
  // Read anew whenever it matters, so that no vendor's event has to reach us first.
  const purposes = () => {
    changed();
    return limited();
  };
  // A banner that has not come a second after the page was loaded is not there.
  const late = () => {
    hookLayer();
    setTimeout(() => { isLate = true; }, 1000);
  };

  layerActs.push((entry) => {
    if (entry[0] !== 'consent') return;
    isUpdated = isUpdated || entry[1] === 'update';
    // Of several defaults, one for each region, the strictest counts: nobody says here where the visitor is.
    Object.keys(entry[2]).forEach((kind) => {
      if (entry[1] === 'update' || (!isUpdated && google[kind] !== 'denied')) google[kind] = entry[2][kind];
    });
  });
  hookLayer();
  look();
  if (banner === 'unknown') console.warn(`data-consent="${named}" is not ${Object.keys(banners)} or none`);
  quietly(() => window.Shopify.loadFeatures([{ name: 'consent-tracking-api', version: '0.1' }], changed))();
  setInterval(changed, 300);
  onLoaded(late);

  const said = () => {
    const given = purposes();
    return { banner, ...given && Object.fromEntries(PURPOSES.map((purpose) => [purpose, given.includes(purpose)])) };
  };
  // Without an argument it says which banner was found, for whoever sets a page up.
  api.consent = quietly((given) => {
    if (given) own = PURPOSES.map((purpose) => given[purpose] === true);
    return said();
  });
  return { purposes, said, onChange: (act) => acts.push(act) };
})();
