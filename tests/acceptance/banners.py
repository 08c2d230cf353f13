"""Consent banners as a page sees them: the globals, cookies and events that each one's documentation names.

Each script defines `accept()` and `decline()` as its buttons would work; none of the vendors' own code is here.
"""

from __future__ import annotations

FIRE = "const fire = (target, name, detail) => target.dispatchEvent(new CustomEvent(name, { detail }));"

GOOGLE = """
window.dataLayer = window.dataLayer || [];
function gtag() { dataLayer.push(arguments); }
gtag('consent', 'default', { ad_storage: 'denied', analytics_storage: 'denied', wait_for_update: 500 });
gtag('js', new Date());
const say = (answer) => gtag('consent', 'update', { ad_storage: answer, analytics_storage: answer });
const accept = () => say('granted'), decline = () => say('denied');
"""

COOKIEBOT = f"""
{FIRE}
window.Cookiebot = {{ hasResponse: false, consented: false, declined: false,
  consent: {{ necessary: true, preferences: false, statistics: false, marketing: false, method: null }} }};
const say = (answer, name) => {{
  Object.assign(Cookiebot, {{ hasResponse: true, consented: answer, declined: !answer }});
  Object.assign(Cookiebot.consent, {{ preferences: answer, statistics: answer, marketing: answer }});
  fire(window, 'CookiebotOnConsentReady');
  fire(window, name);
}};
const accept = () => say(true, 'CookiebotOnAccept'), decline = () => say(false, 'CookiebotOnDecline');
"""

ONETRUST = f"""
{FIRE}
window.OptanonActiveGroups = window.OnetrustActiveGroups = ',C0001,';
const say = (groups) => {{
  document.cookie = 'OptanonAlertBoxClosed=2026-11-23T09:00:00.000Z; path=/';
  window.OptanonActiveGroups = window.OnetrustActiveGroups = `,${{groups.join(',')}},`;
  fire(window, 'OneTrustGroupsUpdated', groups);
}};
const accept = () => say(['C0001', 'C0002', 'C0003', 'C0004']), decline = () => say(['C0001']);
"""

COMPLIANZ = f"""
{FIRE}
window.complianz = {{ prefix: 'cmplz_', consenttype: 'optin' }};
window.cmplz_has_consent = (category) => document.cookie.includes(`cmplz_${{category}}=allow`);
const say = (value) => ['preferences', 'statistics', 'marketing'].forEach((category) => {{
  document.cookie = `cmplz_${{category}}=${{value}}; path=/`;
  fire(document, 'cmplz_status_change', {{ category, value, region: 'eu', categories: [] }});
}});
const accept = () => say('allow'), decline = () => {{ say('deny'); fire(document, 'cmplz_revoke', false); }};
"""

SHOPIFY = f"""
{FIRE}
let answer = '';
const api = {{
  currentVisitorConsent: () => ({{ analytics: answer, marketing: answer, preferences: answer, sale_of_data: answer }}),
  analyticsProcessingAllowed: () => answer === 'yes',
  preferencesProcessingAllowed: () => answer === 'yes',
  marketingAllowed: () => answer === 'yes',
}};
window.Shopify = {{ loadFeatures: (features, done) => setTimeout(() => {{
  if (features[0].name === 'consent-tracking-api') Shopify.customerPrivacy = api;
  done();
}}, 20) }};
const say = (given) => {{
  answer = given;
  const isYes = given === 'yes';
  fire(document, 'visitorConsentCollected',
    {{ analyticsAllowed: isYes, marketingAllowed: isYes, preferencesAllowed: isYes }});
}};
const accept = () => say('yes'), decline = () => say('no');
"""

OWN = """
const accept = () => opportune.consent({ measure: true, personalize: true, ads: true });
const decline = () => opportune.consent({ measure: false });
"""

BANNERS = {
    "google": GOOGLE,
    "cookiebot": COOKIEBOT,
    "onetrust": ONETRUST,
    "complianz": COMPLIANZ,
    "shopify": SHOPIFY,
    "own": OWN,
}
