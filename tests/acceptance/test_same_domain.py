"""The examples for nginx and for a Cloudflare Worker, run as they are against a real server."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from tests.serving import ROOT, WRITE_KEY, ServerProcess, write_playbook

EXAMPLES = ROOT / "examples"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PRIVATE = {"sec-gpc": "1"}
STAGING = {"authorization": "Basic c3RhZ2luZzpnZWhlaW0="}
"""The password of a shop that is not open yet: nobody's key."""
QUIET = "rule: Quiet\nwhen: a visitor asked for a refund in the last 7 days\nhide: home hero\nalways: yes\n"
START_SECONDS = 60.0
NGINX = """daemon off;
user {user};
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    types {{ text/html html; }}
    include {folder}/example.conf;
}}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("same_domain")
    playbook = write_playbook(folder / "playbook", headline="From the playbook")
    (playbook / "rules" / "quiet.yaml").write_text(QUIET)
    with ServerProcess(folder / "data", "--playbook", playbook, OPPORTUNE_DEADLINE_MS="30000") as running:
        yield running


@contextmanager
def nginx_with(
    program: Path, example: str, folder: Path, opportune: str, port: int
) -> Iterator[httpx.Client]:
    """The example as it stands in the repository, but for the addresses, the key and the patience of this machine."""
    text = (EXAMPLES / "nginx" / example).read_text()
    for placeholder, own in {
        "127.0.0.1:8400": opportune.removeprefix("http://"),
        "listen 8080": f"listen 127.0.0.1:{port}",
        "/var/www/shop": str(EXAMPLES / "nginx" / "site"),
        "WRITE_KEY": WRITE_KEY,
        " 50ms;": " 20s;",
    }.items():
        text = text.replace(placeholder, own)
    (folder / "example.conf").write_text(text)
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, user=user))
    command = [str(program), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    process = subprocess.Popen(command)
    try:
        wait_for(port, process)
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"user-agent": FIREFOX}, timeout=START_SECONDS
        ) as client:
            yield client
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"it did not start: {process.args!r}")


def cookie(visitor: str) -> dict[str, str]:
    return {"cookie": f"o_id={visitor}"}


def track(server: ServerProcess, visitor: str, event: str, number: int = 0) -> None:
    properties = {"product_id": "b", "order_id": "1"}
    message = {"event": event, "anonymousId": visitor, "messageId": f"{visitor}-{event}-{number}"}
    assert server.post("/v1/track", {**message, "properties": properties})[0] == 200


def ids_in(cookies: Sequence[str]) -> list[str]:
    return [found for each in cookies for found in re.findall(r"^o_id=([0-9a-f-]{32,36});", each)]


# -- server-side includes -------------------------------------------------------------------


def test_includes_put_places_into_pages_of_any_language(
    nginx: Path, server: ServerProcess, tmp_path: Path, free_port: int
) -> None:
    keen, quiet = f"v-{uuid4().hex}", f"v-{uuid4().hex}"
    for number in (1, 2):
        track(server, keen, "Product Viewed", number)
    track(server, quiet, "Refund Requested")
    with nginx_with(nginx, "ssi.conf", tmp_path, server.url, free_port) as client:
        first = client.get("/")
        assert "From the playbook" in first.text
        assert first.headers["cache-control"] == "private, no-store"
        (visitor,) = ids_in(first.headers.get_list("set-cookie"))
        shown = client.get("/", headers=cookie(keen))
        assert re.search(
            r'<div data-slot="home-hero" data-decision="\S+"><h2>Shoes for you</h2></div>', shown.text
        )
        assert "Made for hills" not in shown.text.partition("</title>")[2]
        assert ids_in(shown.headers.get_list("set-cookie")) == []
        hidden = client.get("/", headers=cookie(quiet)).text.partition("</title>")[2]
        assert "From the playbook" not in hidden
        assert "Made for hills" not in hidden
        assert "New this week" in hidden
        assert client.get("/o-place/home-hero").status_code == 404
        client.get("/", headers=cookie(visitor))
        private = client.get("/", headers=cookie(keen) | PRIVATE)
        assert "From the playbook" in private.text
        assert "set-cookie" not in private.headers
        assert "set-cookie" not in client.get("/", headers=PRIVATE).headers
    status, person, _ = server.get(f"/v1/people/{keen}")
    assert status == 200
    assert [each["rule"] for each in person["exposures"]] == ["Viewed something"]


def test_without_an_answer_the_pages_own_content_stays(nginx: Path, tmp_path: Path, free_port: int) -> None:
    with (
        socket.socket() as nobody,
        nginx_with(nginx, "ssi.conf", tmp_path, f"http://127.0.0.1:{bound(nobody)}", free_port) as client,
    ):
        page = client.get("/")
        assert page.status_code == 200
        assert '<section class="hero"><h1>Made for hills</h1></section>' in page.text
        assert "502" not in page.text


def bound(probe: socket.socket) -> int:
    """A port on which nobody answers."""
    probe.bind(("127.0.0.1", 0))
    port: int = probe.getsockname()[1]
    return port


# -- the same-domain path -------------------------------------------------------------------


def test_nginx_serves_script_and_events_under_the_sites_own_domain(
    nginx: Path, server: ServerProcess, tmp_path: Path, free_port: int
) -> None:
    with nginx_with(nginx, "same-domain.conf", tmp_path, server.url, free_port) as client:
        page = client.get("/")
        (visitor,) = ids_in(page.headers.get_list("set-cookie"))
        assert page.headers["cache-control"] == "private, no-store"
        assert "Max-Age=34128000; SameSite=Lax; Secure" in page.headers["set-cookie"]
        again = client.get("/", headers=cookie(visitor))
        assert not {"set-cookie", "cache-control"} & set(again.headers)
        assert "set-cookie" not in client.get("/", headers={"sec-purpose": "prefetch"}).headers
        assert "set-cookie" not in client.get("/", headers=PRIVATE).headers
        check_the_path(server, client, visitor)


def check_the_path(server: ServerProcess, client: httpx.Client, visitor: str) -> None:
    """The script comes, its events arrive, and nothing else is to be had."""
    script = client.get("/o/o.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "opportune" in script.text
    assert "Form Started" in client.get("/o/forms.js").text
    message = {"type": "track", "event": "Product Viewed", "properties": {"product_id": "b"}}
    question = {"writeKey": WRITE_KEY, "anonymousId": visitor, "slots": [], "events": [message]}
    answer = client.post("/o/v1/decide", json=question, headers=STAGING)
    assert (answer.status_code, answer.json()["events"]) == (200, {"accepted": 1})
    status, person, _ = server.get(f"/v1/people/{visitor}")
    assert (status, [event["name"] for event in person["history"]]) == (200, ["Product Viewed"])
    assert client.get("/o/v1/decide").status_code in (403, 404)
    for path in ("/o/metrics", f"/o/v1/people/{visitor}", "/o/v1/events", "/o/health/ready", "/o/"):
        assert client.get(path).status_code == 404, path


def test_a_worker_serves_script_and_events_under_the_sites_own_domain(
    node: Path, server: ServerProcess, tmp_path: Path, free_port: int
) -> None:
    text = (EXAMPLES / "cloudflare-worker.js").read_text()
    (tmp_path / "worker.mjs").write_text(text.replace("https://opportune.example.com", server.url))
    (tmp_path / "serve.mjs").write_text(WORKER_HOST)
    process = subprocess.Popen([str(node), "serve.mjs", str(free_port)], cwd=tmp_path)
    try:
        wait_for(free_port, process)
        with httpx.Client(
            base_url=f"http://127.0.0.1:{free_port}", headers={"user-agent": FIREFOX}, timeout=START_SECONDS
        ) as client:
            page = client.get("/")
            assert "the site's own page" in page.text
            (visitor,) = ids_in(page.headers.get_list("set-cookie"))
            assert page.headers["cache-control"] == "private, no-store"
            assert "set-cookie" not in client.get("/", headers=cookie(visitor)).headers
            assert "set-cookie" not in client.get("/", headers=PRIVATE).headers
            check_the_path(server, client, visitor)
    finally:
        process.terminate()
        process.wait(START_SECONDS)


WORKER_HOST = """// What Cloudflare does around a worker: requests in, its answers out, and the site behind `fetch`.
import { createServer } from 'node:http';
import worker from './worker.mjs';

const outside = globalThis.fetch;
globalThis.fetch = (asked, more) => asked instanceof Request
  ? Promise.resolve(new Response("<p>the site's own page</p>", { headers: { 'content-type': 'text/html' } }))
  : outside(asked, more);
createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const body = request.method === 'POST' ? Buffer.concat(pieces) : undefined;
  const { method, headers } = request;
  const asked = new Request(`http://shop.test${request.url}`, { method, headers, body });
  const answer = await worker.fetch(asked);
  response.writeHead(answer.status, [...answer.headers].filter(([name]) => name !== 'content-encoding').flat());
  response.end(Buffer.from(await answer.arrayBuffer()));
}).listen(Number(process.argv[2]), '127.0.0.1');
"""
