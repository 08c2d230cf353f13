api.track = quietly((name, properties) => isKnown(name, properties) || track(name, properties, 0));
api.identify = quietly((userId, traits, userToken) =>
  put('identify', { userId: String(userId), traits: traits || {}, context: userToken ? { userToken } : {} }, 0));
api.page = quietly(() => { leave(); enter(view ? view.page.url : cleaned(document.referrer)); });
const begin = quietly(() => {
  start();
  consent.onChange(quietly(consented));
  early.forEach(([name, ...given]) => api[name] && api[name](...given));
  readDataLayer(api.track);
  if (data.layer !== 'none' && data.places !== 'server' && !data.product) onLoaded(() => setTimeout(quietly(readProduct), SILENT_MS));
  if (!head && data.places !== 'server' && !recall('opportune_told')) {
    keep('sessionStorage', 'opportune_told', 1);
    tell('no block');
  }
  if (head?.late) tell('late block');
  if (head?.twice) tell('two blocks');
});
const busy = performance.now() - began;
if (document.prerendering) document.addEventListener('prerenderingchange', begin, { once: true });
else begin();
