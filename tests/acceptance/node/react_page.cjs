// A page that React owns: rendered when it is run in Node, hydrated where there is a document.
const { createElement: h, useState } = require('react');

function Page() {
  const [times, setTimes] = useState(0);
  return h('main', null,
    h('section', { className: 'hero' }, h('h1', null, `Normal ${times}`), h(times ? 'p' : 'b', null, 'for everybody')),
    h('a', { className: 'sale', href: '/sale', suppressHydrationWarning: true }, `Sale ${times}`),
    h('div', { className: 'news', dangerouslySetInnerHTML: { __html: '<p>Normal news</p>' }, suppressHydrationWarning: true }),
    h('button', { id: 'again', onClick: () => setTimes(times + 1) }, 'Again'));
}

if (typeof document === 'undefined') process.stdout.write(require('react-dom/server').renderToString(h(Page)));
else require('react-dom/client').hydrateRoot(document.querySelector('#root'), h(Page));
