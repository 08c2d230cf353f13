"""The catalogue from the command line, and the product feed on its schedule in a real server."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.serving import ServerProcess, done, run_command
from tests.shop_server import Answer, shop_server

from opportune.errors import BadRequestError
from opportune.process.fetching import Limits, fetched

FEED = "id,title,price,availability\n1,Mug,9.90 EUR,in stock\n2,Cup,,in stock\n3,Pot,12 USD,in stock\n"


class Shop:
    """A feed with a version; what was asked of it."""

    def __init__(self, feed: str = FEED) -> None:
        self.feed = feed
        self.asked: list[str] = []

    def __call__(self, path: str, headers: Mapping[str, str]) -> Answer:
        if path == "/moved":
            return 302, {"Location": "/feed.csv"}, b""
        if path == "/round":
            return 302, {"Location": "/round"}, b""
        if path == "/gone":
            return 410, {}, b""
        version = f'"{hash(self.feed)}"'
        self.asked.append(headers.get("if-none-match", ""))
        if headers.get("if-none-match") == version:
            return 304, {}, b""
        return 200, {"ETag": version, "Content-Encoding": "gzip"}, gzip.compress(self.feed.encode())


def test_a_feed_is_fetched_shown_and_its_problems_told(tmp_path: Path) -> None:
    place, shop = ("--data", tmp_path / "data"), Shop()
    with shop_server(shop) as url:
        said = done("catalogue", "fetch", "--url", f"{url}/moved", *place)
        assert said == "1 product, 1 changed, 0 not listed any more, 2 rows kept aside\n"
        assert "1 product, 1 in stock" in done("catalogue", "status", *place)
        done("catalogue", "fetch", "--url", f"{url}/feed.csv", *place)
        assert shop.asked == ["", f'"{hash(FEED)}"']
        assert "the reporting currency is EUR" in done("catalogue", "problems", *place)
        shown = done("catalogue", "show", "1", *place)
        assert "Mug" in shown
        assert "€9.90" in shown
        refused = run_command("catalogue", "fetch", "--url", f"{url}/gone", *place)
        assert "/gone answered 410" in refused.stderr
        [source] = json.loads(done("catalogue", "status", "--json", *place))["sources"]
        assert (source["products"], source["problems"]) == (1, {"no price": 1, "currency": 1})
        assert "answered 410" in source["error"]


def test_an_unknown_product_is_said(tmp_path: Path) -> None:
    done("keys", "add", "--kind", "write", "--name", "site", "--data", tmp_path / "data")
    refused = run_command("catalogue", "show", "x", "--data", tmp_path / "data")
    assert "The product 'x' was not found." in refused.stderr


def test_a_server_fetches_the_feed_by_itself_and_again_when_it_is_time(tmp_path: Path) -> None:
    shop = Shop()
    with shop_server(shop) as url:
        feed = {"OPPORTUNE_FEED_URL": f"{url}/feed.csv", "OPPORTUNE_FEED_HOURS": "0.001"}
        server = ServerProcess(tmp_path / "data", **feed)
        try:
            shop.feed = wait_for(
                server, "1 in stock", shop.feed.replace("Mug", "Big mug").replace("9.90", "8")
            )
            assert "Big mug" in wait_for_show(server, "€8")
        finally:
            server.kill()


def wait_for(server: ServerProcess, said: str, then: str) -> str:
    until = time.monotonic() + 60
    while said not in done("catalogue", "status", *server.place):
        assert time.monotonic() < until, server.printed()
    return then


def wait_for_show(server: ServerProcess, said: str) -> str:
    until = time.monotonic() + 60
    while said not in (shown := done("catalogue", "show", "1", *server.place)):
        assert time.monotonic() < until, server.printed()
    return shown


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://shop.example/feed", "no address of the web"),
        ("feed.xml", "no address of the web"),
        ("http://127.0.0.1:1/feed", "does not answer"),
        ("http://[::1", "no address of the web"),
    ],
)
def test_an_address_that_gives_no_feed_is_said(url: str, said: str) -> None:
    with pytest.raises(BadRequestError, match=said), fetched(url):
        pass


def test_a_feed_that_redirects_for_ever_is_given_up() -> None:
    with (
        shop_server(Shop()) as url,
        pytest.raises(BadRequestError, match="more than 5 times"),
        fetched(f"{url}/round"),
    ):
        pass


def test_a_feed_that_unpacks_to_far_too_much_is_given_up() -> None:
    with (
        shop_server(Shop("x" * 5_000_000)) as url,
        pytest.raises(BadRequestError, match="more than 1,000,000 bytes"),
        fetched(f"{url}/feed.csv", limits=Limits(most_bytes=1_000_000)) as answer,
    ):
        for _ in answer.chunks:
            pass


def test_a_feed_packed_in_several_parts_is_read_to_its_end() -> None:
    half = len(FEED) // 2
    parts = b"".join(gzip.compress(part.encode()) for part in (FEED[:half], "", FEED[half:])) + bytes(512)
    with shop_server(lambda *_: (200, {}, parts)) as url, fetched(f"{url}/feed.csv.gz") as answer:
        assert b"".join(answer.chunks) == FEED.encode()


@pytest.mark.parametrize("most_bytes", [1_000, 100_000_000])
def test_parts_that_unpack_to_far_too_much_or_have_no_end_are_given_up(most_bytes: int) -> None:
    parts = gzip.compress(b"x" * 600) * 2
    said = "more than 1,000 bytes" if most_bytes == 1_000 else "packed in a way that cannot be read"
    with (
        shop_server(lambda *_: (200, {}, parts[:-4])) as url,
        pytest.raises(BadRequestError, match=said),
        fetched(f"{url}/feed.csv", limits=Limits(most_bytes=most_bytes)) as answer,
    ):
        for _ in answer.chunks:
            pass


@pytest.fixture(params=[b"Content-Length: 100000\r\n\r\n", b"\r\n"], ids=["with a length", "without"])
def dripping(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that sends a byte now and then, for as long as anybody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\n" + request.param)
                while True:
                    connection.sendall(b"x")
                    time.sleep(0.01)

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join(20)


def test_a_feed_that_comes_a_byte_at_a_time_is_given_up(dripping: str) -> None:
    with (
        pytest.raises(BadRequestError, match=r"took longer than 2 seconds"),
        fetched(f"{dripping}/feed.csv", limits=Limits(seconds=2)) as answer,
    ):
        for _ in answer.chunks:
            pass


def test_a_feed_of_which_only_a_part_came_is_not_taken_for_whole() -> None:
    short = {"Content-Length": str(len(FEED) + 1), "Connection": "close"}
    with (
        shop_server(lambda *_: (200, short, FEED.encode())) as url,
        pytest.raises(BadRequestError, match="broke off"),
        fetched(f"{url}/feed.csv") as answer,
    ):
        for _ in answer.chunks:
            pass
