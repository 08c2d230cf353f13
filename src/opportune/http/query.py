"""Query strings as typed values, with errors that name the parameter."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from starlette.requests import Request

from opportune.core.moment import from_iso
from opportune.errors import BadRequestError

Q = TypeVar("Q", bound=msgspec.Struct)

MAX_CURSOR = 2**62


def query_of(request: Request, query: type[Q]) -> Q:
    """The request's parameters. Raises BadRequestError for an unknown or unreadable one."""
    given = dict(request.query_params)
    known = {field.encode_name for field in msgspec.structs.fields(query)}
    unknown = sorted(set(given) - known)
    if unknown:
        wrong = f"The parameter {unknown[0][:60]!r} is unknown; there are {', '.join(sorted(known))}"
        raise BadRequestError(wrong=wrong)
    try:
        return msgspec.convert(given, query, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequestError(wrong=f"The query does not fit: {error}") from None


def moment_of(name: str, text: str | None) -> int | None:
    """A parameter's ISO-8601 text as milliseconds. Raises BadRequestError."""
    if not text:
        return None
    try:
        return from_iso(text.replace(" ", "+"))
    except (ValueError, OverflowError):
        wrong = f"{name} is not a date or time: write it as 2026-11-22 or 2026-11-22T14:02:05Z"
        raise BadRequestError(wrong=wrong) from None


def cursor_of(text: str | None) -> int | None:
    """Where a list goes on. Raises BadRequestError for anything this API did not hand out."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or int(text[:20]) > MAX_CURSOR:
        raise BadRequestError(wrong="The cursor is not one that an earlier answer gave")
    return int(text)
