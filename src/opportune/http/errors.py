"""Errors become answers here and nowhere else.

`code` and `message` stand twice: inside `error`, and at the top where Segment's libraries look for them.
"""

from __future__ import annotations

import logging

from starlette.responses import Response

from opportune.errors import OpportuneError
from opportune.http.answers import json_answer

log = logging.getLogger("opportune.http")

BUSY_RETRY_SECONDS = 2


def to_answer(error: OpportuneError) -> Response:
    """The answer for an error raised on purpose."""
    return error_answer(type(error).status, type(error).code, str(error), retry_after=retry_after_of(error))


def retry_after_of(error: OpportuneError) -> int | None:
    """Seconds a client should wait: what a limit says, a moment for a store that cannot take more."""
    stated = error.fields.get("retry_after_seconds")
    if isinstance(stated, int):
        return stated
    return BUSY_RETRY_SECONDS if type(error).status == 503 else None


def error_answer(status: int, code: str, message: str, *, retry_after: int | None = None) -> Response:
    headers = {"Cache-Control": "no-store"}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    if status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="opportune"'
    body = {"error": {"code": code, "message": message}, "code": code, "message": message}
    return json_answer(body, status, headers)


def unexpected_answer(path: str, fault: Exception) -> Response:
    """For an exception nobody foresaw: the log has it all, the caller nothing."""
    log.error("request_failed path=%s", path, exc_info=fault)
    return error_answer(500, "internal", "Something went wrong inside Opportune; its log says what.")
