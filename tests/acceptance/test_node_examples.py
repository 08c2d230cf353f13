"""The examples for Node, run as they are: with `fetch`, with OpenFeature's SDK, with React on the server."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from tests.serving import ROOT, SECRET_KEY, ServerProcess, write_playbook

EXAMPLES = ROOT / "examples" / "node"
NODE_MODULES = Path(__file__).parent / "node" / "node_modules"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
QUIET = "rule: Quiet\nwhen: a visitor asked for a refund in the last 7 days\nhide: home hero\nalways: yes\n"
START_SECONDS = 60.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("node_examples")
    playbook = write_playbook(folder / "playbook", headline="From the playbook")
    (playbook / "rules" / "quiet.yaml").write_text(QUIET)
    with ServerProcess(folder / "data", "--playbook", playbook, OPPORTUNE_DEADLINE_MS="30000") as running:
        yield running


@pytest.fixture(params=["with-fetch.mjs", "with-openfeature.mjs", "with-react.mjs"])
def example(request: pytest.FixtureRequest, node: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Node, and an example in a folder that has its packages."""
    if request.param == "with-react.mjs" and not (NODE_MODULES / "react-dom").is_dir():
        pytest.fail("React is missing: run `make test` once, it installs it.")
    for path in EXAMPLES.glob("*.mjs"):
        shutil.copy(path, tmp_path)
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    return node, tmp_path / request.param


@contextmanager
def running(example: tuple[Path, Path], api_url: str, port: int) -> Iterator[httpx.Client]:
    node, script = example
    own = {"API_URL": api_url, "API_KEY": SECRET_KEY, "PORT": str(port), "DEADLINE_MS": "20000"}
    process = subprocess.Popen([str(node), script.name], cwd=script.parent, env={**os.environ, **own})
    try:
        until = time.monotonic() + START_SECONDS
        while not answers(port):
            if process.poll() is not None or time.monotonic() > until:
                raise AssertionError("the example did not start")
            time.sleep(0.02)
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"user-agent": FIREFOX}, timeout=START_SECONDS
        ) as client:
            yield client
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def track(server: ServerProcess, visitor: str, event: str) -> None:
    message = {"event": event, "anonymousId": visitor, "messageId": uuid4().hex}
    assert server.post("/v1/track", {**message, "properties": {"product_id": "b", "order_id": "1"}})[0] == 200


def test_an_example_shows_hides_names_and_counts(
    example: tuple[Path, Path], server: ServerProcess, free_port: int
) -> None:
    keen, quiet = f"v-{uuid4().hex}", f"v-{uuid4().hex}"
    track(server, keen, "Product Viewed")
    track(server, keen, "Product Viewed")
    track(server, quiet, "Refund Requested")
    with running(example, server.url, free_port) as client:
        first = client.get("/")
        assert "<h1>Made for hills</h1>" in first.text
        assert re.match(
            r"o_id=[0-9a-f-]{36}; Path=/; Max-Age=34128000; SameSite=Lax", first.headers["set-cookie"]
        )
        assert first.headers["cache-control"] == "private, no-store"
        shown = client.get("/", headers={"cookie": f"o_id={keen}"})
        assert re.search(
            r'<section data-slot="home-hero" data-decision="\S+"><h1>Shoes for you</h1></section>', shown.text
        )
        assert "set-cookie" not in shown.headers
        hidden = client.get("/", headers={"cookie": f"o_id={quiet}"})
        assert "<h1>" not in hidden.text
        assert "New this week" in hidden.text
        ahead = client.get("/", headers={"sec-purpose": "prefetch"})
        assert "Made for hills" in ahead.text
        assert "set-cookie" not in ahead.headers
        private = client.get("/", headers={"cookie": f"o_id={keen}", "sec-gpc": "1"})
        assert "Made for hills" in private.text
        assert "set-cookie" not in private.headers
    status, person, _ = server.get(f"/v1/people/{keen}")
    assert status == 200
    assert [each["rule"] for each in person["exposures"]] == ["Viewed something"]


def test_an_example_keeps_its_own_content_when_nobody_answers(
    example: tuple[Path, Path], free_port: int
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with running(example, f"http://127.0.0.1:{nobody.getsockname()[1]}", free_port) as client:
            for _ in range(7):
                page = client.get("/")
                assert page.status_code == 200
                assert "<h1>Made for hills</h1>" in page.text
                assert "data-decision" not in page.text


def test_the_examples_are_short() -> None:
    """Sixty lines or so are read before lunch."""
    for path in EXAMPLES.glob("*.mjs"):
        assert len(path.read_text().splitlines()) <= 70, path
