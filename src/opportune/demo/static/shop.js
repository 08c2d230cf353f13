/* The panel of the demo shop: open and close, and its history when it is asked for. */
(() => {
  const root = document.documentElement;
  const panel = document.getElementById('why');
  const [open, close] = [document.querySelector('.why-open'), document.querySelector('.why-close')];
  const isOpen = () => getComputedStyle(panel).display !== 'none';
  const tell = () => [open, close].forEach((button) => button.setAttribute('aria-expanded', String(isOpen())));
  const set = (state) => {
    root.dataset.why = state;
    // A sheet over the page is not kept open on the next one.
    if (matchMedia('(min-width: 68rem)').matches) document.cookie = `shop_why=${state}; Path=/; SameSite=Lax; Max-Age=31536000`;
    tell();
    (state === 'open' ? close : open).focus();
  };
  open.addEventListener('click', () => set(isOpen() ? 'closed' : 'open'));
  close.addEventListener('click', () => set('closed'));
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && panel.contains(document.activeElement)) set('closed');
  });
  tell();

  document.querySelectorAll('details[data-load]').forEach((details) => {
    details.addEventListener('toggle', async () => {
      const place = details.querySelector('div');
      if (!details.open) return;
      place.textContent = 'Reading …';
      try {
        const answer = await fetch(details.dataset.load);
        place.innerHTML = await answer.text();
      } catch {
        place.textContent = 'The history could not be read just now.';
      }
    });
  });
})();
