"""The feed of changes is folded in steps that stay small, however much of it waits in however many lanes."""

from __future__ import annotations

from contextlib import closing

import psycopg

from opportune.storage.postgres import PostgresStorage
from opportune.storage.postgres.counting import FOLD_STEP

WAITING = """INSERT INTO changes SELECT lane, number, '2026-01-01', 'Page Viewed', 1, 7, 1, 1, 2
    FROM generate_series(0, 255) AS lane, generate_series(1, 10) AS number"""


def test_what_waits_in_every_lane_is_folded_step_by_step(postgres_store: str) -> None:
    with psycopg.connect(postgres_store) as connection:
        connection.execute(WAITING)
    with closing(PostgresStorage(postgres_store)) as storage:
        steps = []
        while taken := storage.fold_totals():
            steps.append(taken)
            assert storage.list_totals("2026-01-01", "2026-01-01") == [
                ("2026-01-01", "Page Viewed", 2_560, 7 * 2_560)
            ]
        assert sum(steps) == 2_560
        assert max(steps) <= FOLD_STEP
        assert storage.list_seen_events() == {"Page Viewed": (1, 2, 2_560)}
