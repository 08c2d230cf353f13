"""OpenFeature's and Segment's own JavaScript libraries on Node, unchanged, against a real server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.acceptance.live import served
from tests.http.shop import SECRET, SECRET_KEY, WRITE_KEY, Clock, shop_programme

from opportune.services.house import House
from opportune.services.operating import add_key
from opportune.storage.base import Storage

SCRIPTS = Path(__file__).parent / "node"
LONGEST_SECONDS = 60


@pytest.fixture(scope="module")
def address(module_storage: Storage) -> Iterator[str]:
    house = House(module_storage, Clock(), b"s" * 32, shop_programme(), deadline_seconds=30)
    add_key(house, kind="write", name="site", value=WRITE_KEY)
    add_key(house, kind="secret", name="backend", value=SECRET_KEY)
    with served(house) as found:
        yield found


def run(node: Path, script: str, *arguments: str) -> Any:
    command = [str(node), script, *arguments]
    done = subprocess.run(
        command, cwd=SCRIPTS, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


def test_openfeature_asks_for_flags_of_every_type(node: Path, address: str) -> None:
    found = run(node, "openfeature.mjs", address, WRITE_KEY)
    values = {name: answer["value"] for name, answer in found.items()}
    assert values == {
        "boolean": True,
        "string": "blue",
        "whole": 3,
        "fraction": 1,
        "object": {"headline": "Shoes for <you>"},
        "hidden": {},
        "missing": True,
        "nobody": True,
    }
    assert (found["object"]["reason"], found["object"]["variant"]) == ("TARGETING_MATCH", "Shoes")
    assert found["object"]["flagMetadata"]["rule"] == "Keen"
    assert found["missing"]["errorCode"] == "FLAG_NOT_FOUND"
    assert found["nobody"]["errorCode"] == "TARGETING_KEY_MISSING"
    assert not any("errorCode" in found[name] for name in ("boolean", "string", "whole", "object", "hidden"))


def test_segment_delivers_every_kind_of_event(node: Path, address: str) -> None:
    assert run(node, "segment.mjs", address, SECRET_KEY, "device-1") == []
    answer = httpx.get(f"{address}/v1/people/user of device-1", headers=SECRET, timeout=LONGEST_SECONDS)
    person = answer.json()
    assert {key["id"] for key in person["keys"]} == {"device-1", "user of device-1"}
    assert {event["type"] for event in person["history"]} == {"track", "page", "screen", "identify", "group"}


def test_segment_takes_a_wrong_key_as_final(node: Path, address: str) -> None:
    failures = run(node, "segment.mjs", address, "owk_a_wrong_key", "device-2")
    assert failures
    answer = httpx.get(f"{address}/v1/events?id=device-2", headers=SECRET, timeout=LONGEST_SECONDS)
    assert answer.json()["events"] == []
