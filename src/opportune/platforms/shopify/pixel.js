// Opportune: a custom pixel for Shopify (Settings > Customer events > Add custom pixel).
// Tells what visitors view, add, check out and buy. Needs the theme snippet, which gives a visitor their id.
(() => {
  const url = 'OPPORTUNE_URL', key = 'OPPORTUNE_WRITE_KEY';
  const MOST_LINES = 100, WAITS = [0, 500, 1500, 3000];
  let mayMeasure = init.customerPrivacy?.analyticsProcessingAllowed !== false;
  const quietly = (act) => async (...given) => { try { await act(...given); } catch { /* not the shop's trouble */ } };
  const rest = (ms) => new Promise((done) => setTimeout(done, ms));
  // `gid://shopify/Product/7` and `7` are the same thing.
  const idOf = (value) => value == null ? undefined : String(value).split('/').pop().split('?')[0];
  const amount = (money) => money?.amount == null ? undefined : Number(money.amount);
  const cleaned = (text) => String(text || '').split('#')[0].replace(/([?&][^=&]*=)[^&]*(?:@|%40)[^&]*/gi, '$1');

  // An id that cannot be read is none: the theme's script makes another.
  const idIn = (cookie) => { try { return decodeURIComponent(cookie || ''); } catch { return ''; } };
  // The theme's script makes the id; on a visit's first page it may not be there yet.
  const visitorOf = async (checkout) => {
    const carried = checkout?.attributes?.find((each) => each.key === 'o_id')?.value;
    if (carried) return carried;
    for (const wait of WAITS) {
      if (wait) await rest(wait);
      const found = idIn(await browser.cookie.get('o_id'));
      if (found) return found;
    }
  };

  const productOf = (variant, quantity) => ({
    product_id: idOf(variant?.product?.id), variant: idOf(variant?.id), sku: variant?.sku || undefined,
    name: variant?.product?.title || variant?.title, brand: variant?.product?.vendor || undefined,
    category: variant?.product?.type || undefined, price: amount(variant?.price), quantity,
    currency: variant?.price?.currencyCode, image_url: variant?.image?.src,
  });
  const linesOf = (lines, read) => (lines || []).slice(0, MOST_LINES).map((line) => productOf(read(line), line.quantity));
  const checkoutOf = (checkout) => ({
    checkout_id: checkout.token, currency: checkout.currencyCode, total: amount(checkout.totalPrice),
    products: linesOf(checkout.lineItems, (line) => line.variant),
  });

  const send = async (event, type, fields, checkout) => {
    if (!mayMeasure) return;
    const visitor = await visitorOf(checkout);
    if (!visitor || !mayMeasure) return;
    const page = event.context?.document, at = page?.location, agent = event.context?.navigator;
    const body = {
      writeKey: key, sentAt: new Date().toISOString(),
      type, messageId: `shopify-${event.id}`, timestamp: event.timestamp, anonymousId: visitor, ...fields,
      context: {
        page: { url: cleaned(at?.href), path: at?.pathname, title: page?.title, referrer: cleaned(page?.referrer) },
        userAgent: agent?.userAgent, locale: agent?.language, library: { name: 'shopify-pixel', version: '1' },
      },
    };
    // Text needs no question beforehand, so it also leaves with a page that is closing.
    await fetch(`${url}/v1/${type}`, { method: 'POST', body: JSON.stringify(body), keepalive: true,
      credentials: 'omit', headers: { 'Content-Type': 'text/plain' } });
  };
  const when = (name, act) => analytics.subscribe(name, quietly(act));
  const track = (event, name, properties, checkout) => send(event, 'track', { event: name, properties }, checkout);

  if (typeof api !== 'undefined') api.customerPrivacy?.subscribe('visitorConsentCollected', (event) => {
    mayMeasure = event.customerPrivacy?.analyticsProcessingAllowed !== false;
  });
  // The theme's script tells of the shop's own pages; it does not run in the checkout.
  when('page_viewed', (event) => {
    const at = event.context?.document?.location, path = at?.pathname || '';
    if (!/\/checkouts?\//.test(path)) return undefined;
    const page_type = /thank[-_]you|order-status/.test(path) ? 'thank-you' : 'checkout';
    return send(event, 'page', { properties: { path, url: cleaned(at.href), page_type } });
  });
  when('product_viewed', (event) => track(event, 'Product Viewed', productOf(event.data.productVariant)));
  when('collection_viewed', ({ data, ...event }) => track(event, 'Product List Viewed',
    { list_id: idOf(data.collection?.id), category: data.collection?.title }));
  when('search_submitted', (event) => track(event, 'Products Searched', { query: event.data.searchResult?.query }));
  when('product_added_to_cart', ({ data, ...event }) => track(event, 'Product Added',
    productOf(data.cartLine?.merchandise, data.cartLine?.quantity)));
  when('product_removed_from_cart', ({ data, ...event }) => track(event, 'Product Removed',
    productOf(data.cartLine?.merchandise, data.cartLine?.quantity)));
  when('cart_viewed', ({ data, ...event }) => data.cart && track(event, 'Cart Viewed', {
    cart_id: idOf(data.cart.id), total: amount(data.cart.cost?.totalAmount), currency: data.cart.cost?.totalAmount?.currencyCode,
    products: linesOf(data.cart.lines, (line) => line.merchandise) }));
  when('checkout_started', ({ data, ...event }) => track(event, 'Checkout Started', checkoutOf(data.checkout), data.checkout));
  when('payment_info_submitted', ({ data, ...event }) => track(event, 'Payment Info Entered',
    { checkout_id: data.checkout.token }, data.checkout));
  // Without its number an order would be counted again when Shopify itself tells of it.
  when('checkout_completed', ({ data: { checkout }, ...event }) => checkout.order?.id && track(event, 'Order Completed', {
    ...checkoutOf(checkout), order_id: idOf(checkout.order.id), revenue: amount(checkout.subtotalPrice),
    tax: amount(checkout.totalTax), shipping: amount(checkout.shippingLine?.price),
    coupon: checkout.discountApplications?.find((each) => each.type === 'DISCOUNT_CODE')?.title }, checkout));
})();
