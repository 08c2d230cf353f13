"""The client against real sockets: one deadline, kept connections, rests after failures, events that get there."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from opportune.web.asking import Answer, Question
from opportune.web.async_client import AsyncOpportune
from opportune.web.breaker import Breaker
from opportune.web.client import Opportune
from opportune.web.exchange import ExchangeError, Reply, Server
from opportune.web.page import Fields, marked
from opportune.web.site import Site

HERO = Question(slots=["hero"], anonymous_id="anna")
SHOES = {"value": {"headline": "Shoes"}, "variant": "Shoes", "reason": "TARGETING_MATCH", "decision": "t"}


class Door:
    """A server that says what it is told to, and counts connections and requests."""

    def __init__(self) -> None:
        self.status = 200
        self.answer: Any = {"decisions": {"hero": SHOES}}
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.connections = 0
        self.is_chunked = False
        door = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def setup(self) -> None:
                door.connections += 1
                super().setup()

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                door.requests.append((self.path, asked))
                body = json.dumps(door.answer).encode()
                self.send_response(door.status)
                if door.is_chunked:
                    self.send_header("transfer-encoding", "chunked")
                    self.end_headers()
                    for piece in (body[:7], body[7:]):
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    self.wfile.write(b"0\r\n\r\n")
                else:
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def wait_for_events(self, count: int) -> list[dict[str, Any]]:
        """Those of requests that carry nothing else, once so many came; one sent again after a pause counts once."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            bodies = [body for path, body in tuple(self.requests) if path == "/v1/batch"]
            came = {event["messageId"]: event for body in bodies for event in body["batch"]}
            if len(came) >= count:
                return list(came.values())
            time.sleep(0.01)
        raise AssertionError("the events never came")

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.close()


@pytest.fixture
def client(door: Door) -> Iterator[Opportune]:
    client = Opportune(door.url, "osk_test", deadline_ms=20_000)
    yield client
    client.close()


def test_an_answer_is_used_and_its_connection_kept(client: Opportune, door: Door) -> None:
    for _ in range(3):
        found = client.decide(HERO)["hero"]
    assert (found.value, found.variant, found.token, found.is_answered) == (
        {"headline": "Shoes"},
        "Shoes",
        "t",
        True,
    )
    assert (len(door.requests), door.connections) == (3, 1)
    assert door.requests[0] == ("/v1/decide", {"slots": ["hero"], "context": {}, "anonymousId": "anna"})


def test_an_answer_in_chunks_is_put_together(client: Opportune, door: Door) -> None:
    door.is_chunked = True
    assert client.decide(HERO)["hero"].variant == "Shoes"
    assert client.decide(HERO)["hero"].variant == "Shoes"
    assert door.connections == 1


@pytest.mark.parametrize("answer", [(500, {}), (401, {}), (200, []), (200, {}), (200, "text")])
def test_refusal_or_nonsense_is_no_answer(client: Opportune, door: Door, answer: tuple[int, Any]) -> None:
    door.status, door.answer = answer
    assert client.decide(HERO) == {"hero": Answer("hero")}


def test_a_slot_nobody_declared_is_no_answer(client: Opportune, door: Door) -> None:
    door.answer = {"decisions": {"hero": {"value": None, "variant": "", "reason": "ERROR"}}}
    assert not client.decide(HERO)["hero"].is_answered


def test_a_value_falls_back_only_where_there_is_none() -> None:
    hidden = Answer("bar", None, "hidden", "TARGETING_MATCH", is_answered=True)
    without = Answer("bar", None, "normal", "DEFAULT", is_answered=True)
    assert hidden.value_or("Sale") is None
    assert without.value_or("Sale") == "Sale"
    assert Answer("bar").value_or("Sale") == "Sale"
    assert Answer("bar", False, "normal", "DEFAULT", is_answered=True).value_or(True) is False


def test_after_several_failures_nobody_waits_until_one_question_goes_well(door: Door) -> None:
    now = [0.0]
    client = Opportune(door.url, "k", deadline_ms=20_000, breaker=Breaker(3, 5.0, lambda: now[0]))
    door.status = 503
    for _ in range(10):
        client.decide(HERO)
    assert len(door.requests) == 3
    now[0] = 6.0
    for _ in range(10):
        client.decide(HERO)
    assert len(door.requests) == 4
    now[0], door.status = 12.0, 200
    assert all(client.decide(HERO)["hero"].is_answered for _ in range(3))
    client.close()


def test_a_question_that_was_wrong_in_itself_stops_nobody(client: Opportune, door: Door) -> None:
    door.status = 400
    for _ in range(10):
        client.decide(HERO)
    assert len(door.requests) == 10


def test_a_server_that_was_started_again_is_asked_over_a_new_connection() -> None:
    first = Door()
    client = Opportune(first.url, "k", deadline_ms=20_000)
    assert client.decide(HERO)["hero"].is_answered
    connection = client._connections.take()
    assert connection is not None
    connection.shutdown(2)
    client._connections.keep(connection)
    assert client.decide(HERO)["hero"].is_answered
    client.close()
    first.close()


def test_many_threads_share_a_client(client: Opportune, door: Door) -> None:
    found: list[bool] = []

    def ask() -> None:
        found.extend(client.decide(HERO)["hero"].is_answered for _ in range(10))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 80
    assert door.connections <= 8


def test_a_forked_process_opens_connections_of_its_own(client: Opportune, door: Door) -> None:
    client.decide(HERO)
    client._connections._process = os.getpid() + 1  # as a child finds it
    assert client.decide(HERO)["hero"].is_answered
    assert door.connections == 2


def test_events_of_a_question_that_failed_are_sent_again(client: Opportune, door: Door) -> None:
    door.answer = {"success": True}
    event = {"type": "track", "event": "Product Viewed", "messageId": "m1"}
    question = Question(slots=["hero"], anonymous_id="anna", events=[event])
    assert not client.decide(question)["hero"].is_answered
    assert door.wait_for_events(1) == [event]


def test_events_without_a_place_leave_in_the_background(client: Opportune, door: Door) -> None:
    door.answer = {"success": True}
    assert client.decide(Question(slots=[], events=[{"messageId": "m1"}])) == {}
    client.capture_later({"messageId": "m2"})
    assert [event["messageId"] for event in door.wait_for_events(2)] == ["m1", "m2"]


def test_nobody_there_is_told_and_never_raised(free_port: int) -> None:
    client = Opportune(f"http://127.0.0.1:{free_port}", "k")
    assert client.decide(HERO) == {"hero": Answer("hero")}
    assert client.capture({"event": "X"}) is False
    assert client.get("/v1/people/anna") == {}
    client.close()


def test_what_cannot_be_sent_is_told_and_never_raised(client: Opportune) -> None:
    assert not client.decide(Question(slots=["hero"], context={"set": {1, 2}}))["hero"].is_answered
    assert client.capture({"set": {1, 2}}) is False


def test_the_asynchronous_client_asks_many_at_once_over_few_connections(door: Door) -> None:
    async def ask() -> list[bool]:
        client = AsyncOpportune(door.url, "k", deadline_ms=20_000)
        for _ in range(3):
            await client.decide(HERO)
        first = door.connections
        found = await asyncio.gather(*(client.decide(HERO) for _ in range(5)))
        await client.close()
        return [first == 1, *(answers["hero"].is_answered for answers in found)]

    assert asyncio.run(ask()) == [True] * 6


@pytest.mark.parametrize(
    ("data", "status", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.0 200 OK\r\n\r\nall", 200, b"all"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=1\r\nok\r\n0\r\n\r\n", 200, b"ok"),
    ],
)
def test_an_answer_is_read_however_it_is_cut(data: bytes, status: int, body: bytes) -> None:
    reply = Reply()
    pieces = [data[at : at + 1] for at in range(len(data))]
    is_whole = [reply.feed(piece) for piece in pieces][-1] or reply.feed(b"")
    assert (is_whole, reply.status, reply.body) == (True, status, body)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 2",
    ],
)
def test_what_is_no_answer_is_refused(data: bytes) -> None:
    reply = Reply()
    with pytest.raises(ExchangeError):
        assert reply.feed(data) or reply.feed(b"")


def test_a_wrong_setting_is_named_with_the_right_one() -> None:
    with pytest.raises(ValueError, match=r"'kye'.*did you mean 'key'"):
        Site.of({"url": "http://x", "kye": "k"})
    with pytest.raises(ValueError, match="lack key"):
        Site.of({"url": "http://x"})
    with pytest.raises(ValueError, match="a folder like /o/"):
        Site.of({"url": "http://x", "key": "k", "path": "o"})
    with pytest.raises(ValueError, match="no address"):
        Server.at("opportune.example.com")


def test_the_first_element_of_a_place_carries_the_decision() -> None:
    assert marked("<h1>x</h1>", "hero", "t") == '<h1 data-slot="hero" data-decision="t">x</h1>'
    assert marked(" \n<br/>", "hero") == ' \n<br data-slot="hero"/>'
    assert marked('<p data-slot="hero">x</p>', "hero", "t") == '<p data-slot="hero" data-decision="t">x</p>'
    assert marked("only text", "hero", "t") == '<span data-slot="hero" data-decision="t">only text</span>'
    assert marked("  ", "hero", "t") == "  "


def test_fields_are_read_by_name_whatever_they_are_called() -> None:
    fields = Fields({"button text": "Go", "items": [1], "values": 2})
    assert (fields.button_text, fields["items"], fields.items, bool(fields)) == ("Go", [1], [1], True)
    assert not hasattr(fields, "missing")
    assert Fields(50).value == 50
    assert not Fields()
