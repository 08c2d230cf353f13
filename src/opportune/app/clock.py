"""The clock of an installation; what asks for the moment is given this one."""

from __future__ import annotations

import time


def now_ms() -> int:
    return time.time_ns() // 1_000_000
