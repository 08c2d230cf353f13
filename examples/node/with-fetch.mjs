// A page with one place, asked for with `fetch` before it leaves. API_URL, API_KEY and PORT come from the environment.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { argv, env } from 'node:process';
import { fileURLToPath } from 'node:url';

const { API_URL = 'http://127.0.0.1:8400', API_KEY = '', DEADLINE_MS = '50', PORT = '3000' } = env;
const MOST_FAILURES = 5, REST_MS = 5_000;
let failures = 0, restsUntil = 0;

// What these places show this visitor. Empty when no answer comes in time: normal content stays.
export async function decide(visitor, slots, request) {
  if (isAhead(request) || (failures >= MOST_FAILURES && Date.now() < restsUntil)) return {};
  const { host, referer = '', 'user-agent': userAgent = '', 'accept-language': languages = '' } = request.headers;
  const { href: url, pathname: path } = new URL(request.url, `http://${host}`);
  const locale = languages.split(',')[0];
  const context = { page: { url, path, referrer: referer }, userAgent, locale, ...consentOf(request) };
  try {
    const answer = await fetch(`${API_URL}/v1/decide`, {
      method: 'POST',
      headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ anonymousId: visitor, slots, context }),
      signal: AbortSignal.timeout(Number(DEADLINE_MS)),
    });
    if (!answer.ok) throw new Error(`Opportune answers ${answer.status}`);
    const { decisions } = await answer.json();
    failures = 0;
    return decisions;
  } catch {
    failures += 1;
    restsUntil = Date.now() + REST_MS;
    return {};
  }
}

// The fields of a version; null for a hidden place; undefined where normal content stays.
export const shown = (decision) =>
  !decision || decision.errorCode || ['', 'normal'].includes(decision.variant) ? undefined : decision.value;

// A page that a browser loads ahead is normal, and gives no id.
export const isAhead = (request) => /pre(fetch|render)/.test(request.headers['sec-purpose'] ?? '');

// Global Privacy Control: this visit serves itself alone, nothing of it is kept.
export const isPrivate = (request) => request.headers['sec-gpc'] === '1';
export const consentOf = (request) => (isPrivate(request) ? { consent: ['personalize'] } : {});

// The id this browser brought, else a new one, and the headers of a page that is this visitor's alone.
export function visitorOf(request) {
  const brought = !isPrivate(request) && /(?:^|;\s*)o_id=([\w.-]{1,100})(?:;|$)/.exec(request.headers.cookie ?? '')?.[1];
  const id = brought || randomUUID();
  const cookie = `o_id=${id}; Path=/; Max-Age=34128000; SameSite=Lax`;  // on https add: ; Secure
  const named = brought || isAhead(request) || isPrivate(request) ? {} : { 'set-cookie': cookie };
  return { id, headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'private, no-store', ...named } };
}

const escaped = (text) => String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

async function page(request, response) {
  const { id, headers } = visitorOf(request);
  const hero = (await decide(id, ['home-hero'], request))['home-hero'];
  const fields = shown(hero);
  const token = hero?.decision ? ` data-decision="${escaped(hero.decision)}"` : '';
  const headline = escaped(fields?.headline ?? 'Made for hills');
  const place = fields === null ? '' : `<section data-slot="home-hero"${token}><h1>${headline}</h1></section>`;
  response.writeHead(200, headers).end(`<!doctype html><title>Shop</title>${place}<p>New this week</p>`);
}

if (argv[1] === fileURLToPath(import.meta.url)) createServer(page).listen(Number(PORT), '127.0.0.1');
