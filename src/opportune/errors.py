"""Every error raised on purpose. A class's docstring is its message for people; fields fill its gaps.

Expected outcomes (no match, hidden, duplicate, set aside) are values, never exceptions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from opportune.core.problem import Problem


class OpportuneError(Exception):
    """Something went wrong in Opportune."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "error"

    def __init__(self, **fields: object) -> None:
        self.fields = fields
        super().__init__((type(self).__doc__ or "").strip().format(**fields))


class BadRequestError(OpportuneError):
    """{wrong}"""

    status = 400
    code = "bad_request"


class BrokenJsonError(OpportuneError):
    """The body is not valid JSON: {wrong}."""

    status = 400
    code = "invalid_json"


class BodyTooLargeError(OpportuneError):
    """The body has {size_bytes} bytes; at most {limit_bytes} are taken at once."""

    status = 413
    code = "too_large"


class UnknownKeyError(OpportuneError):
    """This key is unknown or was revoked. List keys with `opportune keys list`."""

    status = 401
    code = "unknown_key"


class MissingKeyError(OpportuneError):
    """No key was sent. Send a write key or a secret key, as Basic user name, Bearer token or X-API-Key."""

    status = 401
    code = "missing_key"


class SignatureError(OpportuneError):
    """{wrong}"""

    status = 401
    code = "bad_signature"


class ScopeError(OpportuneError):
    """This needs a secret key with the scope `{scope}`."""

    status = 403
    code = "forbidden"


class TooManyRequestsError(OpportuneError):
    """Too many requests for one {what}; try again in {retry_after_seconds} s."""

    status = 429
    code = "rate_limited"


class NotFoundError(OpportuneError):
    """{what} was not found."""

    status = 404
    code = "not_found"


class StorageFullError(OpportuneError):
    """The store's disk is full or cannot be written; nothing was taken. Try again later."""

    status = 503
    code = "storage_unavailable"


class RecountGoesOnError(OpportuneError):
    """Recommendations are being counted anew already; that ends by itself within minutes."""

    status = 409
    code = "recount_goes_on"


class CountingGoesOnError(OpportuneError):
    """{waiting} reports are being counted anew already; try again in {retry_after_seconds} s, or leave `fresh` out."""

    status = 503
    code = "counting_goes_on"


class StorageBusyError(OpportuneError):
    """The store cannot take more right now; nothing was taken. Try again in a moment."""

    status = 503
    code = "storage_unavailable"


class UnreachableError(StorageBusyError):
    """The database cannot be reached: {reason}."""


class SlowReadError(OpportuneError):
    """This question took longer than {seconds} s and was stopped. Ask for a shorter period or fewer people."""

    status = 503
    code = "too_slow"


class LogInUseError(OpportuneError):
    """The file was written anew, but its log was in use and still holds what was there. Try again in a moment."""

    status = 503
    code = "log_in_use"


class NewerStoreError(OpportuneError):
    """The data was written by a newer Opportune: layout {found}, this one knows {known}. Use the newer one."""

    code = "newer_store"


class PlaybookError(OpportuneError):
    """The playbook does not check: {count} problem(s)."""

    status = 422
    code = "playbook_invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(count=len(self.problems))


class StaleRevisionError(OpportuneError):
    """The playbook was changed by someone else: it is at revision {head}, yours is based on {based_on}."""

    status = 409
    code = "stale_revision"


class RunningTestError(OpportuneError):
    """A test is running on: {rules}. A changed rule needs a new test: publish it with `--new-test`."""

    status = 409
    code = "running_test"


class FrozenError(OpportuneError):
    """Changes are frozen since {since}: {reason}. `opportune unfreeze` allows them again."""

    status = 409
    code = "frozen"


class SentenceError(OpportuneError):
    """{wrong}"""

    status = 422
    code = "sentence_unknown"

    def __init__(self, *, text: str, at: int, wrong: str, suggestions: Sequence[str] = ()) -> None:
        self.text = text
        self.at = at
        self.suggestions = tuple(suggestions)
        super().__init__(wrong=wrong)


class DataFolderBusyError(OpportuneError):
    """The data folder {path} is in use by a running server (process {pid})."""

    status = 409
    code = "data_folder_busy"


class MailError(OpportuneError):
    """The mail was not sent: {wrong}"""

    status = 502
    code = "mail_not_sent"


class HalfMovedError(OpportuneError):
    """A move into this store has not ended: it is not whole yet. Run `opportune database move` as before."""

    code = "half_moved"
