// A page rendered by React on the server, with a place decided before: what the browser hydrates is what it got.
// npm install react react-dom; API_URL, API_KEY and PORT from the environment.
import { createServer } from 'node:http';
import { env } from 'node:process';
import { createElement as h } from 'react';
import { renderToString } from 'react-dom/server';
import { decide, shown, visitorOf } from './with-fetch.mjs';

// `decision` is a prop like any other: hand the same props to `hydrateRoot`, and nothing differs.
function Hero({ decision }) {
  const fields = shown(decision);
  if (fields === null) return null;
  const place = { 'data-slot': 'home-hero', 'data-decision': decision?.decision };
  return h('section', place, h('h1', null, fields?.headline ?? 'Made for hills'));
}

const Page = ({ decisions }) => h('main', null, h(Hero, { decision: decisions['home-hero'] }), h('p', null, 'New this week'));

createServer(async (request, response) => {
  const { id, headers } = visitorOf(request);
  const props = { decisions: await decide(id, ['home-hero'], request) };
  const said = JSON.stringify(props).replaceAll('<', '\\u003c');
  const html = `<div id="root">${renderToString(h(Page, props))}</div><script id="props" type="application/json">${said}</script>`;
  response.writeHead(200, headers).end(`<!doctype html><title>Shop</title>${html}`);
}).listen(Number(env.PORT ?? '3000'), '127.0.0.1');
