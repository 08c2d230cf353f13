"""What commands answer with: plain JSON values, as they travel over the control socket."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

Result: TypeAlias = Any
"""Plain JSON values."""


def plain(value: Any) -> Result:
    return msgspec.to_builtins(value)
