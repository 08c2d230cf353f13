"""Tag Manager's template: read as Tag Manager reads it, run with what its sandbox has, and in a page it loads."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from tests.acceptance.browsing import launched
from tests.acceptance.shop_window import ShopWindow, shop_window
from tests.http.shop import WRITE_KEY
from tests.serving import ROOT

from opportune.http.script import BANNERS

TEMPLATE = ROOT / "src/opportune/platforms/tag_manager/opportune.tpl"
SANDBOX = Path(__file__).parent / "node" / "tag_manager.cjs"
ASKS_FOR = {"injectScript": "inject_script", "setInWindow": "access_globals"}
"""Each API a template may require, and the permission it asks for."""


def sections() -> dict[str, str]:
    pieces = re.split(r"^___([A-Z_]+)___$", TEMPLATE.read_text(), flags=re.MULTILINE)
    return dict(zip(pieces[1::2], (piece.strip() for piece in pieces[2::2]), strict=True))


PARTS = sections()
CODE = PARTS["SANDBOXED_JS_FOR_WEB_TEMPLATE"]


def plain(value: dict[str, Any]) -> Any:
    """A permission's value, which says its kind by a number: 1 text, 2 list, 3 map, 8 yes or no."""
    match value["type"]:
        case 2:
            return [plain(each) for each in value["listItem"]]
        case 3:
            names, values = (map(plain, value[side]) for side in ("mapKey", "mapValue"))
            return dict(zip(names, values, strict=True))
        case kind:
            return value[{1: "string", 8: "boolean"}[kind]]


def permissions() -> dict[str, dict[str, Any]]:
    return {
        each["instance"]["key"]["publicId"]: {
            param["key"]: plain(param["value"]) for param in each["instance"]["param"]
        }
        for each in json.loads(PARTS["WEB_PERMISSIONS"])
    }


def may() -> dict[str, Any]:
    return {
        "globals": permissions()["access_globals"]["keys"],
        "urls": permissions()["inject_script"]["urls"],
    }


def run(node: Path, *, fails: bool = False, **data: str) -> dict[str, Any]:
    given = {"address": "https://shop.example/o", "writeKey": "owk_1", "banner": "google", **data}
    asked = json.dumps({"code": CODE, "data": given, "may": may(), "fails": fails})
    done = subprocess.run(
        [node, SANDBOX], input=asked, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_its_parts_are_those_that_tag_manager_imports() -> None:
    assert list(PARTS) == [
        "TERMS_OF_SERVICE",
        "INFO",
        "TEMPLATE_PARAMETERS",
        "SANDBOXED_JS_FOR_WEB_TEMPLATE",
        "WEB_PERMISSIONS",
        "TESTS",
        "NOTES",
    ]
    info = json.loads(PARTS["INFO"])
    assert (info["type"], info["containerContexts"]) == ("TAG", ["WEB"])


def test_its_code_uses_fields_it_has_and_asks_for_what_it_requires() -> None:
    fields = {field["name"]: field for field in json.loads(PARTS["TEMPLATE_PARAMETERS"])}
    used = set(re.findall(r"\bdata\.(\w+)", CODE)) - {"gtmOnSuccess", "gtmOnFailure"}
    assert used == set(fields)
    required = re.findall(r"require\('(\w+)'\)", CODE)
    assert {ASKS_FOR[name] for name in required} == set(permissions())
    choices = {each["value"] for each in fields["banner"]["selectItems"]}
    assert choices == set(BANNERS)
    assert fields["banner"]["defaultValue"] in choices
    for name, right, wrong in (
        ("address", "https://shop.example/o", "https://shop.example/"),
        ("writeKey", "owk_1", "osk_1"),
    ):
        pattern = fields[name]["valueValidators"][0]["args"][0]
        assert re.search(pattern, right)
        assert not re.search(pattern, wrong)


def test_it_loads_the_script_with_its_key_and_says_how_it_went(node: Path) -> None:
    told = run(node)
    assert told == {
        "said": ["success"],
        "url": "https://shop.example/o/o.js",
        "required": ["injectScript", "setInWindow"],
        "tag": {"key": "owk_1", "consent": "google"},
    }
    assert run(node, address="https://opportune.shop.example")["said"] == ["success"]
    assert run(node, fails=True)["said"] == ["failure"]
    assert run(node, address="http://shop.example")["said"] == ["failure"]


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with launched(chromium) as browser:
        yield browser


@pytest.fixture
def shop(browser: Browser) -> Iterator[ShopWindow]:
    with shop_window(browser) as shop:
        yield shop


def test_a_page_whose_tag_manager_fires_it_reports(shop: ShopWindow) -> None:
    sandbox = SANDBOX.read_text()
    data = {"address": shop.door, "writeKey": WRITE_KEY, "banner": "none"}
    allowed = {**may(), "urls": [f"{shop.door}/o.js"]}  # the test's server has no certificate
    loader = f"""
      {sandbox}
      window.dataLayer = [{{ event: 'view_item', ecommerce: {{ items: [{{ item_id: 'b-1' }}] }} }}];
      window.inject = (src, onload, onerror) => {{
        const script = Object.assign(document.createElement('script'), {{ src, async: true, onload, onerror }});
        document.head.append(script);
      }};
      const signal = (said) => () => {{ window.fired = said; }};
      const data = {{ ...{json.dumps(data)}, gtmOnSuccess: signal('success'), gtmOnFailure: signal('failure') }};
      setTimeout(() => runTemplate({json.dumps(CODE)}, data, {json.dumps(allowed)}, window), 100);
    """
    shop.site.html = f"<!doctype html><title>Boots</title><script>{loader}</script><h1>Boots</h1>"
    shop.page.goto(f"{shop.site.address}/boots")
    shop.until(lambda: shop.kept("Product Viewed"))
    assert shop.names()[:2] == ["Page Viewed", "Product Viewed"]
    assert shop.page.evaluate("fired") == "success"
