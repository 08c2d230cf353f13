// What Tag Manager's sandbox gives a template, as far as ours asks for it: `runTemplate(code, data, may, window)`.
// `may` is what its permissions say; an API without its permission throws, as there.
const runTemplate = (code, data, may, page) => {
  const apis = {
    setInWindow: (name, value, isForced) => {
      if (!may.globals.some((each) => each.key === name && each.write)) throw new Error(`may not write ${name}`);
      if (page[name] !== undefined && !isForced) return false;
      page[name] = value;
      return true;
    },
    injectScript: (url, onSuccess, onFailure) => {
      const isAllowed = may.urls.some((each) => RegExp(`^${each.replace(/[.+?^$()|[\]\\]/g, '\\$&').replace(/\*/g, '[^/?#]*')}$`).test(url));
      if (!isAllowed) return onFailure();
      page.inject(url, onSuccess, onFailure);
    },
  };
  const required = [];
  const require = (name) => {
    if (!apis[name]) throw new Error(`no stand-in for ${name}`);
    required.push(name);
    return apis[name];
  };
  // Nothing of the browser or of Node is in reach of sandboxed code.
  const hidden = ['window', 'document', 'globalThis', 'process', 'fetch', 'console', 'setTimeout', 'Date', 'RegExp', 'module', 'exports'];
  Function('require', 'data', ...hidden, `'use strict'; ${code}`)(require, data);
  return required;
};

if (typeof module !== 'undefined') {
  const { code, data, may, fails } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
  const told = { said: [] };
  const page = { inject: (url, onSuccess, onFailure) => { told.url = url; (fails ? onFailure : onSuccess)(); } };
  told.required = runTemplate(code, { ...data, gtmOnSuccess: () => told.said.push('success'), gtmOnFailure: () => told.said.push('failure') }, may, page);
  process.stdout.write(JSON.stringify({ ...told, tag: page.opportuneTag }));
}
