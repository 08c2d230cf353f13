// Keeps the set-up page up to date while it is looked at, and says aloud which step changed.
(() => {
  const EVERY_MS = 4000;
  const news = document.getElementById('news');
  // Without this script a click into the box and "select all" marks all of its text, too.
  for (const button of document.querySelectorAll('[data-copies]')) {
    const box = document.getElementById(button.dataset.copies);
    button.hidden = false;
    button.addEventListener('click', async () => {
      box.select();
      let isCopied = true;
      try { await navigator.clipboard.writeText(box.value); } catch { isCopied = document.execCommand('copy'); }
      button.textContent = isCopied ? 'Copied' : 'Press Ctrl and C';
      setTimeout(() => { button.textContent = 'Copy'; }, EVERY_MS);
    });
  }
  const states = (root) => new Map([...root.querySelectorAll('[data-state]')].map((step) => [step.dataset.name, step.dataset.state]));
  const refresh = async () => {
    const answer = await fetch(location.pathname, { credentials: 'same-origin' });
    if (answer.status === 403) {
      news.textContent = 'This page has ended. For a new link: opportune doctor --link';
      return false;
    }
    if (!answer.ok) return true;
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html'), before = states(document);
    for (const part of document.querySelectorAll('[data-live]')) {
      const other = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
      const isInUse = part.contains(document.activeElement) || !getSelection().isCollapsed && part.contains(getSelection().anchorNode);
      if (other && !isInUse && other.innerHTML !== part.innerHTML) part.innerHTML = other.innerHTML;
    }
    const changed = [...states(document)].filter(([name, state]) => before.has(name) && before.get(name) !== state);
    for (const step of document.querySelectorAll('[data-state]')) step.classList.toggle('changed', changed.some(([name]) => name === step.dataset.name));
    if (changed.length) news.textContent = changed.map(([name, state]) => `${name}: ${state}`).join('. ');
    return true;
  };
  const go = async () => {
    let goesOn = true;
    if (document.visibilityState === 'visible') {
      try { goesOn = await refresh(); } catch { /* the server may be starting again */ }
    }
    if (goesOn) setTimeout(go, EVERY_MS);
  };
  setTimeout(go, EVERY_MS);
})();
