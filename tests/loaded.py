"""Reads which modules a process has loaded, from inside a process that a server would start."""

from __future__ import annotations

import sys

from opportune.storage.base import Storage


def list_loaded(_storage: Storage) -> list[str]:
    return sorted(sys.modules)
