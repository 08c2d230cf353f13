"""Capturing: messages in, one storage job a request, and what became of each after the durable commit.

A message is taken once (by its id within the key, a day around), as one event with its other versions (by
business key), and never lost: what cannot be taken is set aside with the reason. `preparing.py` works out
all that needs no store, `appending.py` writes; the HTTP edge, replays and bulk import all end here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future

from opportune.core.history.event import SetAside
from opportune.services.appending import Appending, CaptureResult, Outcome, keys_about
from opportune.services.catalogue.recommending import notice_products
from opportune.services.guard.watching import notice_events
from opportune.services.house import House
from opportune.services.noticing import CONSENT_STATED, states_consent, take_notice
from opportune.services.preparing import CaptureSource, Message, Ready, prepare
from opportune.services.recording import release
from opportune.storage.base import Transaction

__all__ = ["CaptureResult", "CaptureSource", "Message", "Outcome", "capture", "prepare", "store"]


def capture(
    house: House,
    source: CaptureSource,
    messages: Sequence[Message],
    sent_at: object = None,
    received_at: int | None = None,
) -> Future[CaptureResult]:
    """Takes messages in Segment's spec; the future resolves after the durable commit.

    A message is a decoded object or its JSON. Raises nothing; a store that cannot write comes through
    the future (StorageFullError, StorageBusyError).
    """
    return store(house, prepare(house, source, messages, sent_at, received_at))


def store(
    house: House,
    prepared: Sequence[Ready | SetAside],
    also: Callable[[Transaction, CaptureResult], None] | None = None,
) -> Future[CaptureResult]:
    """One storage job for all of them, in their order; see `capture`.

    `also` is done in the same transaction, and undoes all of it by raising.
    """
    _release_held(house, prepared)
    is_first_consent = not house.has_consent_traits and states_consent(prepared)
    answer: Future[CaptureResult] = Future()
    answer.set_running_or_notify_cancel()

    def finish(written: Future[CaptureResult]) -> None:
        fault = written.exception()
        if fault is not None:
            answer.set_exception(fault)
            return
        result = written.result()
        house.has_consent_traits = house.has_consent_traits or is_first_consent
        take_notice(house, _names_of(prepared, result))
        notice_products(house, prepared, result)
        notice_events(house, prepared, result)
        answer.set_result(result)

    def job(transaction: Transaction) -> CaptureResult:
        result = Appending(house, transaction, prepared).run()
        if not _names_of(prepared, result) <= house.seen_events:
            transaction.tell_change()
        if is_first_consent:
            transaction.put_setting(CONSENT_STATED, "yes")
        if also is not None:
            also(transaction, result)
        return result

    house.storage.write(job, keys_about(prepared)).add_done_callback(finish)
    return answer


def _names_of(prepared: Sequence[Ready | SetAside], result: CaptureResult) -> set[str]:
    """Names of the events that were stored."""
    return {
        ready.row.name
        for ready, outcome in zip(prepared, result.outcomes, strict=True)
        if isinstance(ready, Ready) and outcome.seq
    }


def _release_held(house: House, prepared: Iterable[Ready | SetAside]) -> None:
    """A key that captures was seen again: what a decision held back about it is recorded now, before this."""
    if not house.held:
        return
    for ready in prepared:
        if isinstance(ready, Ready):
            for key in (ready.row.key, ready.device):
                if key is not None:
                    release(house, key)
