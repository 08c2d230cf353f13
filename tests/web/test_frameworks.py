"""A page through Django, Flask, Starlette and FastAPI, against a real server: what is seen, and what is counted."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from tests.serving import RULE, SECRET_KEY, SLOT, TEAM, WRITE_KEY, ServerProcess, done
from tests.web.sites import AGREED, CUSTOMER, SITES, Ask

FIREFOX = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
FILES = {
    "team.yaml": TEAM,
    "slots/home-hero.yaml": SLOT.format(headline="From the playbook"),
    "slots/offer-bar.yaml": "slot: offer bar\npurpose: One line at the top\nfields: text\ntags: promo\n"
    "fallback:\n  text: Theirs\n"
    "variants:\n  Calm:\n    text: Free returns\nrules:\n  - Halves\n",
    "rules/viewed.yaml": RULE.format(times=2),
    "rules/halves.yaml": "rule: Halves\nwhen: everyone\nshow:\n  offer bar: Calm\n"
    "test: half and half, on orders, for 7 weeks\n",
    "rules/quiet.yaml": "rule: Quiet\n"
    "when: a visitor asked for a refund in the last 7 days\nhide: home hero\nalways: yes\n",
}
NORMAL = "Made for hills"
SHOES = "Shoes for you"
Open = Callable[..., Ask]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("web")
    for name, text in FILES.items():
        (folder / "playbook" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "playbook" / name).write_text(text)
    playbook = folder / "playbook"
    with ServerProcess(folder / "data", "--playbook", playbook, OPPORTUNE_DEADLINE_MS="30000") as running:
        yield running


@pytest.fixture(autouse=True)
def patient_sites(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine passes a browser's request on late."""
    for helper in ("django", "flask", "starlette"):
        monkeypatch.setattr(f"opportune.web.{helper}.FORWARD_MS", 30_000)


@pytest.fixture(params=SITES)
def framework(request: pytest.FixtureRequest) -> Callable[..., AbstractContextManager[Ask]]:
    return SITES[request.param]


@pytest.fixture
def ask(framework: Any, server: ServerProcess) -> Iterator[Ask]:
    with framework(url=server.url, key=SECRET_KEY, write_key=WRITE_KEY, deadline_ms=20_000) as found:
        yield found


def browser(visitor: str = "", **more: str) -> dict[str, str]:
    cookie = {"cookie": f"o_id={visitor}"} if visitor else {}
    return {**FIREFOX, **cookie, **{name.replace("_", "-"): value for name, value in more.items()}}


def known(server: ServerProcess) -> str:
    """A visitor with two product views."""
    visitor = f"v-{uuid4().hex[:12]}"
    for number in (1, 2):
        assert server.view(visitor, number) == 200
    return visitor


def known_customer(server: ServerProcess) -> str:
    """A customer with two product views, reported by the shop's server."""
    customer = f"c-{uuid4().hex[:8]}"
    for number in (1, 2):
        message = {"event": "Product Viewed", "userId": customer, "messageId": f"{customer}-{number}"}
        status, _, _ = server.post(
            "/v1/track", {**message, "properties": {"product_id": "b"}}, key=SECRET_KEY
        )
        assert status == 200
    return customer


def person(server: ServerProcess, who: str) -> dict[str, Any]:
    status, found, _ = server.get(f"/v1/people/{who}")
    return found if status == 200 else {}


def until(found: Callable[[], Any]) -> Any:
    """What turns up, once what was handed over in the background is there."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.02)
    raise AssertionError("it never turned up")


# -- what a visitor sees --------------------------------------------------------------------


def test_a_new_visitor_gets_the_pages_own_content(ask: Ask) -> None:
    page = ask("/", headers=browser())
    assert page.status == 200
    assert NORMAL in page.text
    assert "From the playbook" not in page.text
    assert "<p>after</p>" in page.text
    assert "<!--" not in page.text


def test_a_version_stands_in_the_page_before_it_leaves(ask: Ask, server: ServerProcess) -> None:
    page = ask("/", headers=browser(known(server)))
    assert f"<h1>{SHOES}</h1></section>" in page.text
    assert NORMAL not in page.text
    assert re.search(r'<section data-slot="home-hero" data-decision="[\w.-]{20,}" class="hero">', page.text)
    assert int(page.headers.get("content-length", len(page.text))) == len(page.text.encode())


def test_a_hidden_place_leaves_nothing_behind(ask: Ask, server: ServerProcess) -> None:
    visitor = known(server)
    asked_for_money_back = {"event": "Refund Requested", "anonymousId": visitor, "messageId": uuid4().hex}
    assert server.post("/v1/track", {**asked_for_money_back, "properties": {"order_id": "1"}})[0] == 200
    page = ask("/", headers=browser(visitor))
    assert "hero" not in page.text
    assert "<p>after</p>" in page.text


def test_both_arms_of_a_test_see_a_whole_page_and_carry_the_token(ask: Ask) -> None:
    seen = set()
    for number in range(40):
        page = ask("/two", headers=browser(f"arm-{number}"))
        (found,) = re.findall(
            r'<p><span data-slot="offer-bar" data-decision="\S+">([^<]+)</span></p>', page.text
        )
        seen.add(found)
        if len(seen) == 2:
            break
    assert seen == {"No offer", "Free returns"}


def test_a_version_the_template_cannot_show_gives_way_to_normal_content(
    ask: Ask, server: ServerProcess
) -> None:
    page = ask("/broken", headers=browser(known(server)))
    assert page.status == 200
    assert NORMAL in page.text


def test_a_view_may_use_a_value_and_knows_what_has_just_happened(ask: Ask) -> None:
    assert SHOES in ask("/value", headers=browser("just-now")).text


def test_a_streamed_page_passes_untouched(ask: Ask, server: ServerProcess) -> None:
    assert NORMAL in ask("/streamed", headers=browser()).text


def test_a_proven_customer_is_known_on_a_new_device(framework: Any, server: ServerProcess) -> None:
    customer = known_customer(server)
    secret = server_user_token_secret(server)
    named = browser("another-device") | {CUSTOMER: customer}
    write = {"url": server.url, "key": WRITE_KEY, "deadline_ms": 20_000}
    with framework(url=server.url, key=SECRET_KEY, deadline_ms=20_000) as ask:
        assert SHOES in ask("/", headers=named).text
    with framework(**write, user_token_secret=secret) as ask:
        assert SHOES in ask("/", headers=named).text
    with framework(**write) as ask:
        assert NORMAL in ask("/", headers=named).text


def server_user_token_secret(server: ServerProcess) -> str:
    return done("keys", "user-token-secret", "--data", server.data).split()[-1]


# -- nothing of Opportune's takes a page down -----------------------------------------------


def test_without_a_server_the_page_is_right(framework: Any, free_port: int) -> None:
    with framework(url=f"http://127.0.0.1:{free_port}", key=SECRET_KEY) as ask:
        for _ in range(7):
            page = ask("/two", headers=browser())
            assert page.status == 200
            assert NORMAL in page.text
            assert "data-decision" not in page.text
        assert "Default" in ask("/value", headers=browser()).text
        assert ask("/plain", headers=browser()).text == "<body>plain</body>"


@pytest.fixture(params=["silent", "dripping"])
def slow_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """Takes connections, and never ends an answer: says nothing, or a byte now and then."""
    listening = socket.create_server(("127.0.0.1", 0))
    open_ones: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            open_ones.append(connection)
            if request.param == "dripping":
                Thread(target=drip, args=(connection,), daemon=True).start()

    def drip(connection: socket.socket) -> None:
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while True:
                connection.sendall(b"x")
                time.sleep(0.01)
        except OSError:
            return

    thread = Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    for connection in open_ones:
        connection.close()
    thread.join(5)


def test_a_server_that_never_ends_its_answer_is_not_waited_for(framework: Any, slow_server: str) -> None:
    with framework(url=slow_server, key=SECRET_KEY) as ask:
        page = ask("/", headers=browser())
    assert page.status == 200
    assert NORMAL in page.text


# -- caches, cookies, consent ---------------------------------------------------------------


def test_a_page_with_a_place_is_nobody_elses(ask: Ask, server: ServerProcess) -> None:
    for visitor in ("", known(server)):
        assert ask("/", headers=browser(visitor)).headers["cache-control"] == "private, no-store"
    assert "cache-control" not in ask("/plain", headers=browser("back-again")).headers


def test_a_cached_view_keeps_normal_content(ask: Ask, server: ServerProcess) -> None:
    first = ask("/cached", headers=browser(known(server)))
    second = ask("/cached", headers=browser("somebody-else"))
    assert SHOES in first.text
    assert SHOES not in second.text
    assert NORMAL in second.text
    assert "data-decision" not in second.text


def test_the_cookie_is_set_once_by_the_server_and_lasts(ask: Ask) -> None:
    (cookie,) = ask("/plain", headers=browser()).cookies
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"max-age=34128000", "path=/", "samesite=lax"} <= parts
    assert not {"httponly", "secure"} & parts
    visitor = re.fullmatch(r"o_id=([0-9a-f]{32})", cookie.split(";")[0])
    assert visitor is not None
    again = ask("/", headers=browser(visitor[1]))
    assert again.cookies == ()


def test_an_id_that_cannot_be_read_is_replaced(ask: Ask) -> None:
    (cookie,) = ask("/plain", headers=browser("%E0%A4%A")).cookies
    assert re.match(r"o_id=[0-9a-f]{32};", cookie)


def test_a_response_that_gives_an_id_can_be_kept_by_nobody(ask: Ask) -> None:
    assert ask("/plain", headers=browser()).headers["cache-control"] == "private, no-store"


def test_a_page_loaded_ahead_is_normal_and_gives_no_id(ask: Ask, server: ServerProcess) -> None:
    visitor = known(server)
    page = ask("/", headers=browser(visitor, sec_purpose="prefetch;prerender"))
    assert NORMAL in page.text
    assert ask("/", headers=browser(sec_purpose="prefetch")).cookies == ()
    assert person(server, visitor)["exposures"] == []


def test_nobody_is_named_before_consent(framework: Any, server: ServerProcess) -> None:
    with framework(url=server.url, key=SECRET_KEY, deadline_ms=20_000, asks_consent=True) as ask:
        visitor = known(server)
        refused = ask("/", headers=browser(visitor))
        assert NORMAL in refused.text
        customer = known_customer(server)
        assert NORMAL in ask("/", headers=browser() | {CUSTOMER: customer}).text
        with_consent = browser() | {CUSTOMER: customer, AGREED: "measure personalize"}
        assert SHOES in ask("/", headers=with_consent).text
        assert any(cookie.startswith("o_id=") and "Max-Age=0" in cookie for cookie in refused.cookies)
        assert ask("/", headers=browser()).cookies == ()
        agreed = browser(visitor) | {AGREED: "measure personalize"}
        assert SHOES in ask("/", headers=agreed).text
        assert ask("/", headers=browser() | {AGREED: "measure personalize"}).cookies


def test_global_privacy_control_is_a_visit_without_an_id(framework: Any, server: ServerProcess) -> None:
    visitor, private = known(server), {"sec-gpc": "1"}
    for more in ({}, {"asks_consent": True}):
        with framework(url=server.url, key=SECRET_KEY, deadline_ms=20_000, path="/o/", **more) as ask:
            agreed = {AGREED: "measure personalize ads"}
            assert ask("/plain", headers=browser() | agreed | private).cookies == ()
            assert ask("/o/o.js", headers=browser() | agreed | private).cookies == ()
            returning = ask("/", headers=browser(visitor) | agreed | private)
            assert NORMAL in returning.text
            (cookie,) = returning.cookies
            assert re.match(r'o_id=("")?;', cookie)
            assert "max-age=0" in cookie.lower()
            assert ask("/", headers=browser() | agreed).cookies
    assert person(server, visitor)["exposures"] == []


# -- what is counted ------------------------------------------------------------------------


def test_only_what_was_rendered_is_exposed_and_to_the_right_visitor(ask: Ask, server: ServerProcess) -> None:
    visitor = known(server)
    ask("/", headers=browser(visitor))
    exposures = until(lambda: person(server, visitor)["exposures"])
    assert {exposure["slot"] for exposure in exposures if exposure["subject"] == "rule"} <= {"home-hero", ""}
    assert any(exposure["rule"] == "Viewed something" for exposure in exposures)
    assert not any(exposure["rule"] == "Halves" for exposure in exposures)
    ask("/two", headers=browser(visitor))
    until(lambda: any(each["rule"] == "Halves" for each in person(server, visitor)["exposures"]))


def test_what_a_page_reports_without_a_place_is_stored_too(ask: Ask, server: ServerProcess) -> None:
    visitor = f"v-{uuid4().hex[:12]}"
    assert ask("/added", headers=browser(visitor)).text == "added"
    found = until(lambda: person(server, visitor))
    assert [event["name"] for event in found["history"]] == ["Product Viewed"]


def test_the_page_script_is_told_what_the_page_is_about(ask: Ask) -> None:
    text = ask("/script", headers=browser("x")).text
    assert f'data-key="{WRITE_KEY}"' in text
    assert 'data-page-type="product" data-category="shoes" data-product="boot-1"' in text


# -- the same-domain path -------------------------------------------------------------------


def test_the_page_script_and_its_events_go_through_the_sites_own_domain(
    framework: Any, server: ServerProcess
) -> None:
    visitor = f"v-{uuid4().hex[:12]}"
    with framework(url=server.url, key=SECRET_KEY, write_key=WRITE_KEY, path="/o/") as ask:
        script = ask("/o/o.js", headers=browser(visitor))
        assert "opportune" in script.text
        assert (script.status, script.cookies) == (200, ())
        assert ask("/o/o.js", headers=browser()).cookies[0].startswith("o_id=")
        preview = ask("/o/preview.js", headers=browser(visitor))
        assert (preview.status, "opportune_preview" in preview.text) == (200, True)
        message = {"type": "track", "event": "Product Viewed", "properties": {"product_id": "b"}}
        question = {"writeKey": WRITE_KEY, "anonymousId": visitor, "slots": [], "events": [message]}
        body = {"method": "POST", "body": json.dumps(question)}
        answer = ask("/o/v1/decide", headers=browser(visitor) | {"content-type": "text/plain"}, **body)
        assert (answer.status, json.loads(answer.text)["events"]) == (200, {"accepted": 1})
        assert person(server, visitor)["history"]
        for path in ("/o/v1/people/anna", "/o/metrics", "/o/v1/events", "/o/"):
            assert ask(path, headers=browser(visitor)).status == 404
        unnamed = json.dumps({"anonymousId": visitor, "slots": []})
        assert ask("/o/v1/decide", method="POST", headers=browser(visitor), body=unnamed).status == 401
        assert 'src="/o/o.js"' in ask("/script", headers=browser(visitor)).text


def test_a_staging_shops_password_is_not_taken_for_a_key(framework: Any, server: ServerProcess) -> None:
    visitor = f"v-{uuid4().hex[:12]}"
    staging = browser(visitor, authorization="Basic c3RhZ2luZzpnZWhlaW0=", content_type="text/plain")
    message = {"event": "Product Viewed", "anonymousId": visitor, "writeKey": WRITE_KEY}
    with framework(url=server.url, key=SECRET_KEY, write_key=WRITE_KEY, path="/o/") as ask:
        assert (
            ask("/o/v1/track", method="POST", headers=staging, body=json.dumps(message)).status,
            ask("/o/v1/track", method="POST", headers=staging, body="{}").status,
        ) == (200, 401)


def test_a_path_without_a_server_behind_it_says_so(framework: Any, free_port: int) -> None:
    with framework(url=f"http://127.0.0.1:{free_port}", key=SECRET_KEY, path="/o/") as ask:
        assert ask("/o/o.js", headers=browser("x")).status == 502
