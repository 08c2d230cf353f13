"""A real `opportune serve` as a process of its own, and the commands and requests a test sends to it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.warmed import Warmed

from opportune.app.house import opened_house
from opportune.process.place import Place
from opportune.services.operating import add_key

ROOT = Path(__file__).parents[1]
START_SECONDS = 120.0
STOP_SECONDS = 60.0
ANSWER_SECONDS = 60.0
COMMAND_SECONDS = 120.0
WRITE_KEY = "public-write-key"
SECRET_KEY = "secret-key-of-tests"

WARMED = Warmed()

TEAM = "team: Test shop\nowner: Mia\nreviewer: Tom\npurpose: To test\nsafety limit: none\nrollback: by hand\n"
SLOT = """slot: home hero
purpose: The first thing on the front page
fields: headline
fallback:
  headline: {headline}
variants:
  Shoes:
    headline: Shoes for you
rules:
  - Viewed something
"""
RULE = """rule: Viewed something
when: a visitor viewed a product at least {times} times in 7 days
show:
  home hero: Shoes
"""


def write_playbook(folder: Path, *, headline: str = "Welcome", times: int = 2) -> Path:
    """A playbook with one place and one rule."""
    for path, text in {
        "team.yaml": TEAM,
        "slots/home-hero.yaml": SLOT.format(headline=headline),
        "rules/viewed.yaml": RULE.format(times=times),
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPPORTUNE_")}
    return {**kept, "PYTHONPATH": str(ROOT / "src"), "PYTHONWARNINGS": "default", **more}


def run_command(*arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
    """One `opportune` command to its end, as a process of its own."""
    return WARMED.run([*map(str, arguments)], environment(**more), COMMAND_SECONDS)


def done(*arguments: object, **more: str) -> str:
    """One command that must succeed; what it printed."""
    finished = run_command(*arguments, **more)
    assert finished.returncode == 0, finished.stderr or finished.stdout
    return finished.stdout


def make_keys(place: Place) -> None:
    """The two keys tests know, unless the place has them."""
    if place.database or not place.folder.exists:
        with opened_house(place) as house:
            if house.storage.list_api_keys():
                return
            add_key(house, kind="write", name="site", value=WRITE_KEY)
            add_key(house, kind="secret", name="shop", value=SECRET_KEY)


PATIENT = {"OPPORTUNE_DEADLINE_MS": "30000", "OPPORTUNE_READER_NICE": "0"}
"""A machine that runs other tests answers late, and has no time at all for a process that steps back behind them.

Only tests about lateness set a shorter time.
"""


class ServerProcess:
    """Started by its making, with a write key and a secret key that tests know."""

    def __init__(self, data: Path, *arguments: object, database: str = "", **more: str) -> None:
        self.data = data
        self.place = ["--database", database] if database else ["--data", str(data)]
        """The options that tell a command of it."""
        data.mkdir(parents=True, exist_ok=True)
        make_keys(Place(data, database))
        self.log = data / "server.log"
        command = [sys.executable, "-m", "opportune", "serve", "--data", str(data), "--port", "0"]
        if database:
            command += ["--database", database]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, *map(str, arguments)],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment(PYTHONUNBUFFERED="1", **{**PATIENT, **more}),
            )
        self.url = self._wait_for_address()

    def _wait_for_address(self) -> str:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            found = re.search(r"listens on (http://\S+)", self.printed())
            if found:
                return found[1]
            time.sleep(0.02)
        self.kill()
        raise AssertionError(f"the server did not start: {self.printed()}")

    def printed(self) -> str:
        return self.log.read_text()

    def stop(self) -> int:
        """Asks it to end, and gives its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def post(self, path: str, content: Any, *, key: str = WRITE_KEY) -> tuple[int, Any, Mapping[str, str]]:
        return self._request("POST", path, json.dumps(content), key)

    def get(self, path: str, *, key: str = SECRET_KEY) -> tuple[int, Any, Mapping[str, str]]:
        return self._request("GET", path, None, key)

    def _request(
        self, method: str, path: str, body: str | None, key: str
    ) -> tuple[int, Any, Mapping[str, str]]:
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=ANSWER_SECONDS)
        try:
            headers = {"X-API-Key": key, "Content-Type": "application/json"}
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read()
            answered = {name.lower(): value for name, value in response.getheaders()}
        finally:
            connection.close()
        is_json = "json" in answered.get("content-type", "")
        return response.status, json.loads(text) if is_json else text.decode(), answered

    def view(self, visitor: str, number: int = 0) -> int:
        """One product view; the answer's status."""
        status, _, _ = self.post("/v1/track", viewed(visitor, f"{visitor}-{number}"))
        return status

    def count_stored(self) -> Counter[str]:
        """How often each message id is stored."""
        counts: Counter[str] = Counter()
        cursor = ""
        while cursor is not None:
            status, page, _ = self.get(f"/v1/events?limit=1000{f'&cursor={cursor}' if cursor else ''}")
            assert status == 200, page
            counts.update(event["messageId"] for event in page["events"])
            cursor = page["cursor"]
        return counts

    def hero(self, visitor: str) -> dict[str, Any]:
        """What the front page shows this visitor."""
        status, answer, _ = self.post("/v1/decide", {"anonymousId": visitor, "slots": ["home-hero"]})
        assert status == 200, answer
        found: dict[str, Any] = answer["decisions"]["home-hero"]
        return found


def viewed(visitor: str, message_id: str) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Product Viewed",
        "anonymousId": visitor,
        "messageId": message_id,
        "properties": {"product_id": "boot-1", "category": "shoes", "price": 89.0},
    }
