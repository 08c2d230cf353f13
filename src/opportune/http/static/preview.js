// Loaded where a tab shows rules in preview: keeps the link's word for the tab, out of the address, and says so.
(() => {
  const WORD = 'opportune_preview', KEPT = 'opportune', EVERY_MS = 100, LONGEST_MS = 8000;
  const [clean, given] = location.href.split(/[?&]o_preview=/);
  const end = () => {
    sessionStorage.removeItem(WORD);
    sessionStorage.removeItem(KEPT);
    location.reload();
  };
  if (given) {
    sessionStorage.setItem(WORD, JSON.stringify(given));
    // What this very page shows was decided for everybody: once the answer is there, it is opened again.
    const since = Date.now();
    const wait = () => {
      if (sessionStorage.getItem(KEPT) || Date.now() - since > LONGEST_MS) location.replace(clean);
      else setTimeout(wait, EVERY_MS);
    };
    wait();
    return;
  }
  const until = parseInt(JSON.parse(sessionStorage.getItem(WORD) || '""'), 10) * 1000;
  if (!(until > Date.now())) {
    end();
    return;
  }
  const show = () => {
    const line = document.createElement('button');
    line.type = 'button';
    line.textContent = `Preview until ${new Date(until).toTimeString().slice(0, 5)}. End it`;
    line.style = 'position:fixed;left:8px;bottom:8px;z-index:2147483647;padding:8px 12px;font:14px sans-serif;'
      + 'color:#fff;background:#1c2321;border:2px solid #fff;border-radius:4px;cursor:pointer';
    line.addEventListener('click', end);
    document.body.append(line);
  };
  if (document.body) show();
  else document.addEventListener('DOMContentLoaded', show);
})();
