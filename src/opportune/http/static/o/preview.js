// A preview link's word goes along with every question of this tab; what else it does is a script of its own.
const word = location.search.split('o_preview=')[1], preview = word || recall('opportune_preview') || undefined;
if (word) forget('opportune');
if (preview) document.head.append(Object.assign(document.createElement('script'), { src: address + '/preview.js' }));
