// A page with one place, asked for through OpenFeature before it leaves: a place is a flag.
// npm install @openfeature/server-sdk @openfeature/ofrep-provider; API_URL, API_KEY and PORT from the environment.
import { createServer } from 'node:http';
import { env } from 'node:process';
import { OFREPProvider } from '@openfeature/ofrep-provider';
import { OpenFeature } from '@openfeature/server-sdk';
import { consentOf, isAhead, visitorOf } from './with-fetch.mjs';

const { API_URL = 'http://127.0.0.1:8400', API_KEY = '', DEADLINE_MS = '50', PORT = '3000' } = env;
const NORMAL = { headline: 'Made for hills' };

await OpenFeature.setProviderAndWait(new OFREPProvider({
  baseUrl: API_URL,
  headers: [['Authorization', `Bearer ${API_KEY}`]],
  timeoutMs: Number(DEADLINE_MS),
}));
const flags = OpenFeature.getClient();

// What OpenFeature calls the context: who asks, and on which page.
function contextOf(visitor, request) {
  const { host, referer = '', 'user-agent': userAgent = '' } = request.headers;
  const { href: url, pathname: path } = new URL(request.url, `http://${host}`);
  return { targetingKey: visitor, page: { url, path, referrer: referer }, userAgent, ...consentOf(request) };
}

// A version's fields, the page's own content, or null for a place that a rule hides; and the token of the decision.
async function hero(visitor, request) {
  if (isAhead(request)) return { fields: NORMAL, token: '' };
  const { value, variant, flagMetadata } = await flags.getObjectDetails('home-hero', NORMAL, contextOf(visitor, request));
  const token = String(flagMetadata?.decision ?? '');
  if (variant === 'hidden') return { fields: null, token };
  return { fields: variant && variant !== 'normal' ? value : NORMAL, token };
}

const escaped = (text) => String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

createServer(async (request, response) => {
  const { id, headers } = visitorOf(request);
  const { fields, token } = await hero(id, request);
  const decided = token ? ` data-decision="${escaped(token)}"` : '';
  const place = fields && `<section data-slot="home-hero"${decided}><h1>${escaped(fields.headline)}</h1></section>`;
  response.writeHead(200, headers).end(`<!doctype html><title>Shop</title>${place ?? ''}<p>New this week</p>`);
}).listen(Number(PORT), '127.0.0.1');
