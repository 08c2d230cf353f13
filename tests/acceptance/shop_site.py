"""A static shop that knows only the tag pasted into it, and a door before a real server that can be slow or shut."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from tests.serving import TEAM, WRITE_KEY, ServerProcess

from opportune.http.script import head_block, page_script

FOLDER = Path(__file__).parent / "static_shop"
PAGES = {"/": "home", "/collections/boots": "category", "/products/fell-boot": "product", "/cart": "cart"}
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
PASTE, WAIT = "<!--paste-->", "<!--wait-->"

SLOTS = {
    "home-hero": """
slot: home hero
fields: headline, text, cta, link, image
fallback: {headline: Normal}
variants:
  Warm:
    headline: Variant for you
    text: Variant text
    cta: Variant link
    link: /collections/boots?warm
    image: /promise.svg
page:
  paths: /
  put:
    headline: h1
    text: p
    cta: a.cta
    link: a.cta @href
    image: img @src
""",
    "low-tip": """
slot: low tip
fields: text
fallback: {text: Normal}
variants:
  Warm: {text: Variant tip}
page:
  paths: /
  put: {text: p}
""",
    "announcement": """
slot: announcement
fields: text
fallback: {text: Normal}
variants:
  Warm: {text: Variant news}
template: <p>{{ text }}</p><button data-dismiss>Close</button>
page:
  selector: .announce
  method: html
""",
    "size-help": """
slot: size help
fields: text
fallback: {text: Normal}
variants:
  Warm: {text: Variant sizes}
template: <p>{{ text }}</p>
page:
  selector: "#size-help"
  paths: /products/*
  method: shadow
""",
    "letter": """
slot: letter
tags: signup
fields: text
fallback: {text: Normal}
page:
  selector: .signup
  paths: /
""",
    "later": """
slot: later
fields: text
fallback: {text: Normal}
variants:
  Warm: {text: Variant later}
page:
  selector: .later-part
  paths: /collections/*
  put: {text: p}
""",
    "tested": """
slot: tested
fields: text
fallback: {text: Normal}
variants:
  Warm: {text: Variant tested}
page:
  selector: .shelf
  paths: /collections/*
  put: {text: b}
""",
    "unreadable": """
slot: unreadable
fields: text
fallback: {text: Normal}
variants:
  Warm: {text: Variant}
page:
  selector: "p:nowhere(2)"
  paths: /collections/*
""",
    "absent": """
slot: absent
fields: text
fallback: {text: Normal}
variants:
  Warm: {text: Variant}
page:
  selector: .absent
  paths: /collections/*
""",
    "searched": """
slot: searched
fields: text
fallback: {text: Normal}
variants:
  Warm: {text: Variant searched}
page:
  selector: .searched
  put: {text: ""}
""",
    **{
        name: f"""
slot: {name}
fields: text
fallback: {{text: Normal}}
variants:
  Warm: {{text: Variant {name}}}
page:
  selector: .{name}
  ask again: {when}
  put: {{text: ""}}
"""
        for name, when in {
            "leaving": "exit intent",
            "reading": "scroll 50%",
            "staying": "after 1 seconds",
        }.items()
    },
}
CAME = "a visitor opened a page in the last 30 days"
RULES = f"""
rule: Came
when: {CAME}
show:
  home hero: Warm
  low tip: Warm
  size help: Warm
  later: Warm
  unreadable: Warm
  absent: Warm
hide: everything marked signup
---
rule: News
when: {CAME}
show:
  announcement: Warm
not after dismissed: yes
---
rule: Tested
when: {CAME}
show:
  tested: Warm
test: half and half, on orders, for 6 weeks
---
rule: Searched
when: a visitor searched in the last 30 days
show:
  searched: Warm
---
rule: Leaving
when: a visitor is about to leave
show:
  leaving: Warm
---
rule: Reading
when: the scroll depth is at least 50
show:
  reading: Warm
---
rule: Staying
when: the time on page is at least 1 second
show:
  staying: Warm
"""


def write_shop_playbook(folder: Path) -> Path:
    files = {f"slots/{name}.yaml": text for name, text in SLOTS.items()}
    for path, text in {**files, "team.yaml": TEAM, "rules/all.yaml": RULES}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


class ShopSite:
    """Two origins: the shop's cached pages, and the door, which passes on and notes what it is sent.

    `pages` replaces pages by other text, `pause` waits at each mark in a page, `delay` before each answer;
    `told` is what a test's own script in a page posts to the shop.
    """

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.requests: list[dict[str, Any]] = []
        self.pages: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        self.asked: list[str] = []
        self.told: list[Any] = []
        self.pause = 0.0
        self.delay = 0.0
        self.is_down = False
        self.servers = [
            ThreadingHTTPServer(("127.0.0.1", 0), handler) for handler in (_door(self), _site(self))
        ]
        self.door, self.url = (f"http://127.0.0.1:{each.server_port}" for each in self.servers)
        page_script()  # put together before anybody waits for it
        self.tag = (
            f'<script async src="{self.door}/o.js" data-key="{WRITE_KEY}" data-consent="none"></script>'
        )
        self.block = f"<script>{head_block()}</script>"
        self.paste = self.block + self.tag
        for each in self.servers:
            Thread(target=each.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        for each in self.servers:
            each.shutdown()
            each.server_close()

    def text(self, path: str) -> str:
        return self.pages.get(path) or (FOLDER / f"{PAGES[path]}.html").read_text()

    def change(self, path: str, old: str, new: str) -> None:
        """The shop's page, otherwise written in one place."""
        assert old in self.text(path)
        self.pages[path] = self.text(path).replace(old, new)

    def events(self, name: str, **properties: str) -> list[dict[str, Any]]:
        """Each once, as a store would have it; of those with these properties."""
        sent = {event["messageId"]: event for request in self.requests for event in request.get("events", ())}
        return [
            event
            for event in sent.values()
            if event.get("event", event["type"]) == name
            and properties.items() <= (event.get("properties") or {}).items()
        ]


def _site(shop: ShopSite) -> type[BaseHTTPRequestHandler]:
    class Site(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            shop.asked.append(path)
            file = FOLDER / path.strip("/")
            if path in PAGES or path in shop.pages:
                self._stream(shop.text(path))
            elif file.is_file():
                self._send(file.read_bytes(), KINDS[file.suffix])
            else:
                self._send(b"", "text/plain", 404)

        def do_POST(self) -> None:
            shop.told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self._send(b"", "text/plain")

        def _send(self, body: bytes, kind: str, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.send_header("cache-control", "public, max-age=600")
            self.end_headers()
            self.wfile.write(body)

        def _stream(self, page: str) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("transfer-encoding", "chunked")
            self.send_header("cache-control", "public, max-age=600")
            for name, value in shop.headers.items():
                self.send_header(name, value)
            self.end_headers()
            whole = page.replace(PASTE, shop.paste)
            for piece in whole.split(WAIT) if shop.pause else [whole.replace(WAIT, "")]:
                raw = piece.encode()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(raw), raw))
                time.sleep(shop.pause)
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, *_: object) -> None:
            pass

    return Site


def _door(shop: ShopSite) -> type[BaseHTTPRequestHandler]:
    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._pass_on("GET", b"")

        def do_OPTIONS(self) -> None:
            self._pass_on("OPTIONS", b"")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if not shop.is_down:
                shop.requests.append(json.loads(body))
                time.sleep(shop.delay)
            self._pass_on("POST", body)

        def _pass_on(self, method: str, body: bytes) -> None:
            if shop.is_down:
                self.close_connection = True
                return
            with suppress(ConnectionError):  # a page that was left does not wait, a server may have ended
                status, headers, answer = _asked(shop.server.url, method, self.path, body, dict(self.headers))
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in ("transfer-encoding", "connection", "date", "server"):
                        self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    return Door


def _asked(
    url: str, method: str, path: str, body: bytes, headers: Mapping[str, str]
) -> tuple[int, dict[str, str], bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.request(method, path, body, {**headers, "Connection": "close"})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()
