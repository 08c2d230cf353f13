// Opportune's page script and its events below your own domain, and the visitor's id set by your server.
// Route it for example.com/*; put in the address of your Opportune.
const OPPORTUNE = "https://opportune.example.com";
const ROUTES = /^((o|forms|preview)\.js|v1\/(decide|batch|track|page|identify|screen|group|alias))$/;
const PASSED_ON = ["content-type", "user-agent", "accept-language", "sec-gpc", "sec-purpose", "if-none-match"];

export default {
  async fetch(request) {
    const { pathname, protocol } = new URL(request.url);
    if (pathname.startsWith("/o/")) return forward(request, pathname.slice(3));
    const page = await fetch(request);
    const isPage = (page.headers.get("content-type") || "").startsWith("text/html");
    const isAhead = /pre(fetch|render)/.test(request.headers.get("sec-purpose") || "");
    const isRefused = request.headers.get("sec-gpc") === "1";
    if (!isPage || isAhead || isRefused || /(^|;\s*)o_id=/.test(request.headers.get("cookie") || "")) return page;
    const named = new Response(page.body, page);
    const secure = protocol === "https:" ? "; Secure" : "";
    named.headers.append("set-cookie", `o_id=${crypto.randomUUID()}; Path=/; Max-Age=34128000; SameSite=Lax${secure}`);
    named.headers.set("cache-control", "private, no-store");
    return named;
  },
};

async function forward(request, route) {
  if (!ROUTES.test(route) || request.method !== (route.endsWith(".js") ? "GET" : "POST")) return new Response(null, { status: 404 });
  const headers = new Headers();
  for (const name of PASSED_ON) if (request.headers.has(name)) headers.set(name, request.headers.get(name));
  const address = request.headers.get("cf-connecting-ip");
  if (address) headers.set("x-forwarded-for", address);
  const body = request.method === "POST" ? await request.arrayBuffer() : undefined;
  try {
    return await fetch(`${OPPORTUNE}/${route}`, { method: request.method, headers, body });
  } catch {
    return new Response(null, { status: 502 });
  }
}
