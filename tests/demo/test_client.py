"""The shop's client against a real socket: pages never fail because of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import ClassVar

import pytest

from opportune.demo.client import Opportune


class Server(BaseHTTPRequestHandler):
    answers: ClassVar[list[tuple[int, object]]] = []
    goes_on = Event()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        status, answer = self.answers.pop(0)
        if answer is None:
            self.goes_on.wait(5)
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def client() -> Iterator[Opportune]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    Server.goes_on.clear()
    client = Opportune(f"http://127.0.0.1:{server.server_port}", "osk_test")
    yield client
    Server.goes_on.set()
    client.close()
    server.shutdown()
    server.server_close()
    thread.join()


def test_answer_is_used(client: Opportune) -> None:
    Server.answers = [(200, {"decisions": {"flag": {"value": True, "variant": "On", "reason": "SPLIT"}}})]
    found = client.decide("device", {"flag": False}, {})["flag"]
    assert (found.value, found.variant, found.is_answered) == (True, "On", True)


def test_null_is_an_answer_and_no_default(client: Opportune) -> None:
    Server.answers = [(200, {"decisions": {"bar": {"value": None, "reason": "TARGETING_MATCH"}}})]
    assert client.decide("device", {"bar": "Sale"}, {})["bar"].value is None


@pytest.mark.parametrize("answer", [(500, {}), (401, {}), (200, []), (200, {}), (200, "text")])
def test_refusal_or_nonsense_gives_the_default(client: Opportune, answer: tuple[int, object]) -> None:
    Server.answers = [answer]
    assert client.decide("device", {"bar": "Sale"}, {})["bar"].value == "Sale"


def test_error_for_one_slot_gives_its_default(client: Opportune) -> None:
    Server.answers = [(200, {"decisions": {"bar": {"value": None, "reason": "ERROR"}}})]
    assert client.decide("device", {"bar": "Sale"}, {})["bar"].value == "Sale"


def test_silence_gives_the_default(client: Opportune) -> None:
    Server.answers = [(200, None)]
    assert client.decide("device", {"bar": "Sale"}, {})["bar"].value == "Sale"


def test_nobody_there_gives_the_default_and_says_that_events_were_not_taken() -> None:
    client = Opportune("http://127.0.0.1:9", "osk_test")
    assert client.decide("device", {"bar": "Sale"}, {})["bar"].value == "Sale"
    assert client.send([{}]) is False
    assert client.find_person("device") == {}
