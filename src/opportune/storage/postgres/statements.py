"""PostgreSQL's statements by name, and statements over lists of rows.

`VALUES :rows` in a statement stands for as many rows as there are: one text of fixed length would cost a
statement for every row, a list parameter could not be sent to where a distributed table's rows lie.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from opportune.storage.database.statements import load_statements

SQL: Mapping[str, str] = {
    name: f"/* opportune: {name} */ {text}"
    for name, text in load_statements(Path(__file__).parents[1] / "sql" / "postgres").items()
}
"""Each begins with its name, so that a list of slow statements says where to look."""

ROWS_TOGETHER = (128, 32, 8, 4, 2, 1)
"""Few lengths, so that the server has planned each of them before."""
LANE_BY_LANE = 1
"""Rows asked about together on Citus, which then sends each to where its lane lies, and nowhere else."""

Row = Sequence[object]

PLACE = re.compile("%s")


@lru_cache(maxsize=1_024)
def over_rows(name: str, count: int, width: int) -> str:
    """A statement's text for so many rows of so many values, its places numbered as the server wants them.

    For `raw` cursors: psycopg looks for its own `%s` in a long text each time, which takes longer than the rest.
    """
    row = f"({', '.join(['%s'] * width)})"
    numbers = itertools.count(1)
    return PLACE.sub(lambda _: f"${next(numbers)}", SQL[name].replace(":rows", ", ".join([row] * count)))


def in_pieces(
    name: str, rows: Sequence[Row], together: int = ROWS_TOGETHER[0]
) -> Iterator[tuple[str, list[object]]]:
    """Texts and parameters that together stand for all rows, in their order; at most so many to a statement."""
    start, left = 0, len(rows)
    for count in ROWS_TOGETHER:
        while together >= count <= left:
            piece = rows[start : start + count]
            yield over_rows(name, count, len(piece[0])), [value for row in piece for value in row]
            start, left = start + count, left - count
