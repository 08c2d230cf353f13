"""A server measures its tests by itself: what visitors did over HTTP is in the sums a little later."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest
from tests.serving import ServerProcess, write_playbook

from opportune.app.storing import open_reading
from opportune.core.experiments.measured import Measured
from opportune.process.place import Place
from opportune.storage.base import Storage

SOON_SECONDS = 120.0
"""A round takes less than a second, on a machine that is not busy."""
PATIENT = {"OPPORTUNE_DEADLINE_MS": "30000", "OPPORTUNE_MEASURE_SECONDS": "1", "OPPORTUNE_READER_NICE": "0"}
VISITORS = 4
ARMS = ("control", "treatment")


@pytest.fixture(params=["a file", "a database"])
def database(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("postgres_store") if request.param == "a database" else ""
    return url


def bought(server: ServerProcess, visitor: str) -> None:
    """A visitor who looks twice, comes back, and orders."""
    for number in range(2):
        assert server.view(visitor, number) == 200
    for _ in range(2):
        server.hero(visitor)
    order = {
        "type": "track",
        "event": "Order Completed",
        "anonymousId": visitor,
        "properties": {"order_id": f"of {visitor}", "revenue": 10},
    }
    assert server.post("/v1/track", order)[0] == 200


def measured(storage: Storage) -> Measured | None:
    found = [storage.find_measured(experiment.id) for experiment in storage.list_experiments()]
    return next((each for each in found if each is not None and each.cells), None)


def test_what_visitors_do_is_in_the_sums_soon(tmp_path: Path, database: str) -> None:
    playbook = write_playbook(tmp_path / "playbook")
    with (playbook / "rules" / "viewed.yaml").open("a") as file:
        file.write("test: half and half, on orders within 3 days, for 7 weeks\n")
    options = ("--playbook", playbook, "--workers", 2 if database else 1)
    with ServerProcess(tmp_path / "data", *options, database=database, **PATIENT) as server:
        for number in range(VISITORS):
            bought(server, f"v-{number}")
        until = time.monotonic() + SOON_SECONDS
        with closing(open_reading(Place(tmp_path / "data", database))) as storage:
            while (found := measured(storage)) is None or _orders(found) < VISITORS:
                assert time.monotonic() < until, f"{found}\n{server.printed()}"
                time.sleep(0.2)
        assert found.not_counted == {}
        assert sum(found.total(arm).units for arm in ARMS) == VISITORS
        status, fresh, _ = server.get("/v1/reports?fresh=true")
        assert status == 200
        assert [line["people"] for line in fresh["tests"]] == [VISITORS]
        assert server.stop() == 0
        assert "background_work_failed" not in server.printed()


def _orders(found: Measured) -> int:
    bought_in = [found.total(arm).by_metric.values() for arm in ARMS]
    return sum(next(iter(metrics)).y for metrics in bought_in if metrics)
