"""What a shop asks about its customers, through a real server that is killed right after it said yes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.serving import SECRET_KEY, ServerProcess, done, run_command

SECRET = "a-secret-of-shopify"
CUSTOMER = {"id": 9001, "email": "anna@shop.test"}


def ask(server: ServerProcess, topic: str, body: dict[str, Any]) -> int:
    content = json.dumps(body).encode()
    signature = base64.b64encode(hmac.new(SECRET.encode(), content, hashlib.sha256).digest()).decode()
    headers = {"X-Shopify-Topic": topic, "X-Shopify-Hmac-SHA256": signature}
    request = urllib.request.Request(f"{server.url}/v1/sources/shopify", content, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        status: int = answer.status
        return status


def test_a_customer_is_erased_though_the_server_was_killed_after_its_yes(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data")
    try:
        done("sources", "add", "shopify", "--secret", SECRET, *server.place)
        for number in range(20):
            message = {"event": "Product Viewed", "userId": "9001", "messageId": f"m-{number}"}
            assert server.post("/v1/track", message, key=SECRET_KEY)[0] == 200
        assert ask(server, "customers/data_request", {"customer": {"id": 77}}) == 200
        assert ask(server, "customers/redact", {"customer": CUSTOMER}) == 200
    finally:
        server.kill()
    said = done("person", "requests", *server.place)
    assert "opportune person export 77 --to person.json" in said
    server = ServerProcess(tmp_path / "data")
    try:
        until = time.monotonic() + 60
        while "erasing" in (said := done("person", "requests", *server.place)):
            assert time.monotonic() < until, said
        assert server.get("/v1/people/9001")[0] == 404
        code = said.split()[0]
        assert done("person", "requests", "--done", code, *server.place) == "Nothing is waiting.\n"
        refused = run_command("person", "requests", "--done", code, *server.place)
        assert "opportune person requests" in refused.stderr
    finally:
        server.kill()
