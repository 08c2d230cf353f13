// Tag Manager: what a shop tells Google Analytics in its data layer, GA4's e-commerce or Universal Analytics'.
// Only these fields leave the page. The server says them in its own words, and drops events that have none
// (core/history/data_layer.py).
const LAYER_EVENTS = /^(view_(item|cart|search)|select_item|add_|remove_|begin_|purchase|refund|search|sign_up|login|generate_lead)/;
const LAYER_FIELDS = ('items products actionField detail click impressions add remove checkout purchase refund id name category brand variant '
  + 'item_id item_name item_category item_brand item_variant item_list_id price quantity coupon transaction_id revenue value currency currencyCode '
  + 'search_term method payment_type lead_source').split(' ');
// A page that names its one product for search engines only: told once, where nothing else tells of it.
const SILENT_MS = 2000;
let known;
const isKnown = (...told) => {
  const text = JSON.stringify(told);
  return /^."(Product Viewed|data_layer.view_item)"|"detail":/.test(text) && (known ||= []).some((word) => text.includes(word));
};
const readProduct = () => {
  const products = [...document.querySelectorAll('[type="application/ld+json"]')].flatMap(quietly(({ textContent }) => {
    const said = JSON.parse(textContent);
    return said['@graph'] || said;
  })).filter((it) => /Product$/.test(it?.['@type']));
  if (known || products.length !== 1) return;
  const { sku, productID, name, category, offers } = products[0], offer = [offers].flat()[0] || {};
  const item = { item_id: sku || productID, item_name: name, item_category: category, price: offer.price || offer.lowPrice };
  track('data_layer/view_item', { items: [item], currency: offer.priceCurrency }, 0);
  known = [item.item_id, name].map((word) => JSON.stringify(word));
};
const readDataLayer = (track) => {
  const told = {};
  const read = (entry) => {
    const [event, given] = entry[0] === 'event' ? [entry[1], entry[2]] : [entry.event, entry], shop = given?.ecommerce;
    if (!LAYER_EVENTS.test(event) && !(shop && !shop.items)) return;
    const said = JSON.stringify({ ...given, ...shop }, LAYER_FIELDS), mark = event + said;
    // Two tags that say the same within a second mean it once.
    if (!(Date.now() - told[mark] < 1000)) track('data_layer/' + event, JSON.parse(said));
    told[mark] = Date.now();
  };
  layerActs.push(read);
  layer.forEach(quietly(read));
};
