"""A page that React rendered, hydrates and renders again: places keep what was decided, React keeps its children."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from tests.acceptance.browsing import IN_NO_TIME, launched, see_frame, until, visitor
from tests.acceptance.shop_site import CAME, PASTE, ShopSite
from tests.serving import TEAM, ServerProcess

NODE = Path(__file__).parent / "node"
MODULES = {
    "react": "react/cjs/react.development.js",
    "scheduler": "scheduler/cjs/scheduler.development.js",
    "react-dom": "react-dom/cjs/react-dom.development.js",
    "react-dom/client": "react-dom/cjs/react-dom-client.development.js",
}
SLOTS = {
    "hero": """
slot: hero
fields: text
fallback: {text: Normal}
variants:
  Warm: {text: Variant for you}
template: <h1>{{ text }}</h1><a href="#sizes">Sizes</a>
page: {selector: .hero, method: shadow}
""",
    "sale": """
slot: sale
fields: link
fallback: {link: /sale}
variants:
  Warm: {link: /sale?boots}
page:
  selector: .sale
  put: {link: "@href"}
""",
    "news": """
slot: news
fields: text
fallback: {text: Normal}
variants:
  Warm: {text: Variant news}
template: <p>{{ text }}</p>
page: {selector: .news, method: html}
""",
}
RULE = f"rule: Came\nwhen: {CAME}\nshow:\n  hero: Warm\n  sale: Warm\n  news: Warm\n"
HEAD = '<title>React</title><link rel="icon" href="data:,">'
FRAMES = """
  window.frames_ = [];
  const sample = () => {
    const hero = document.querySelector('.hero'), news = document.querySelector('.news p');
    if (hero) frames_.push([hero.shadowRoot?.querySelector('h1').textContent, news.textContent]);
    requestAnimationFrame(sample);
  };
  requestAnimationFrame(sample);
"""
SHOWN = """() => [
  document.querySelector('.hero').shadowRoot?.querySelector('h1').textContent,
  document.querySelector('.hero > h1').getClientRects().length,
  document.querySelector('.sale').getAttribute('href'),
  document.querySelector('.news').textContent,
]"""
ALL = ["Variant for you", 0, "/sale?boots", "Variant news"]


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with launched(chromium) as browser:
        yield browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("react")
    playbook = folder / "playbook"
    slots = {f"slots/{name}.yaml": text for name, text in SLOTS.items()}
    for path, text in {**slots, "team.yaml": TEAM, "rules/all.yaml": RULE}.items():
        (playbook / path).parent.mkdir(parents=True, exist_ok=True)
        (playbook / path).write_text(text)
    with ServerProcess(folder / "data", "--playbook", playbook) as running:
        yield running


@pytest.fixture
def shop(node: Path, server: ServerProcess) -> Iterator[ShopSite]:
    done = subprocess.run(
        [node, "react_page.cjs"], cwd=NODE, capture_output=True, text=True, check=True, timeout=60
    )
    root, react = f'<div id="root">{done.stdout}</div>', '<script defer src="/react.js"></script>'
    shop = ShopSite(server)
    for path, body in {"/": root + react, "/low": f'<div style="height:3000px"></div>{root}'}.items():
        shop.pages[path] = f"<!doctype html><meta charset=utf-8>{PASTE}{HEAD}{body}"
    shop.pages["/react.js"] = in_browser()
    yield shop
    shop.close()


def in_browser() -> str:
    """React's own files and the page, as modules of one script."""
    files = {name: NODE / "node_modules" / path for name, path in MODULES.items()}
    files["page"] = NODE / "react_page.cjs"
    modules = ",".join(
        f"'{name}': (module, exports, require) => {{ {path.read_text()} }}" for name, path in files.items()
    )
    return f"""(() => {{
      const process = {{ env: {{ NODE_ENV: 'development' }} }}, loaded = {{}}, modules = {{{modules}}};
      const require = (name) => {{
        if (!loaded[name]) modules[name](loaded[name] = {{ exports: {{}} }}, loaded[name].exports, require);
        return loaded[name].exports;
      }};
      require('page');
      window.isHydrated = true;
    }})();"""


def test_what_react_owns_is_filled_before_it_is_painted_and_stays(browser: Browser, shop: ShopSite) -> None:
    with visitor(browser) as page:
        errors = errors_of(page)
        page.goto(f"{shop.url}/cart")
        until(page, lambda: page.evaluate("sessionStorage.opportune"))
        page.add_init_script(FRAMES)
        page.goto(shop.url)
        page.wait_for_function("window.isHydrated")
        render_again(page)
        see_frame(page)
        assert page.evaluate(SHOWN) == ALL
        assert (
            page.evaluate("frames_.filter(([hero, news]) => hero + news !== 'Variant for youVariant news')")
            == []
        )
        until(page, lambda: shop.events("Slot Viewed", slot="hero", rule="Came", variant="Warm"))
        page.click(".hero a")
        until(page, lambda: shop.events("Slot Clicked", slot="hero", rule="Came", variant="Warm"))
        assert errors == []
        assert not shop.events("Page Trouble")
        page.evaluate("document.querySelector('.sale').setAttribute('href', '/theirs')")
        page.click("#again")
        page.wait_for_function("document.querySelector('.sale').textContent === 'Sale 3'")
        assert page.get_attribute(".sale", "href") == "/theirs"


def test_on_a_first_page_what_react_owns_is_filled_below_the_fold(browser: Browser, shop: ShopSite) -> None:
    with visitor(browser) as page:
        page.add_init_script(IN_NO_TIME)
        errors = errors_of(page)
        page.goto(f"{shop.url}/low")
        until(page, lambda: page.evaluate("sessionStorage.opportune"))
        page.add_script_tag(url="/react.js")
        render_again(page)
        assert errors == []
        assert page.evaluate(SHOWN) == ALL
        page.evaluate("document.querySelector('.hero').scrollIntoView()")
        until(page, lambda: shop.events("Slot Viewed", slot="hero", rule="Came", variant="Warm"))


def errors_of(page: Page) -> list[str]:
    """What React says on the console: it warns of everything that is not as it left it."""
    found: list[str] = []
    page.on(
        "console",
        lambda message: found.append(message.text) if message.type in ("error", "warning") else None,
    )
    return found


def render_again(page: Page) -> None:
    """React's state changes its text and replaces a child under the place."""
    for times in (1, 2):
        page.click("#again")
        page.wait_for_function(f"document.querySelector('.sale').textContent === 'Sale {times}'")
    assert page.evaluate("document.querySelector('.hero').textContent") == "Normal 2for everybody"
