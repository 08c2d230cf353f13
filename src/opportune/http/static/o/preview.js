// A preview link's word goes along with every question of this tab; what else it does is a script of its own.
const word = location.search.split('o_preview=')[1], preview = word || recall('opportune_preview') || undefined;
if (word) forget('opportune');
// Loaded as a module: a page that requires Trusted Types refuses a script's address, and would stop this one.
if (preview) import(address + '/preview.js').catch(() => {});
