"""Messages of Segment's and RudderStack's libraries, read into events."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportune.core.history.event import Event, Origin, Unfit, from_body, from_segment, is_too_deep
from opportune.core.moment import DAY, HOUR, MINUTE, SECOND, from_iso, to_iso

RECEIVED = from_iso("2026-11-22T11:06:15Z")
PUBLIC = Origin(received_at=RECEIVED)
SECRET = Origin(received_at=RECEIVED, is_secret=True)


def nobody(_user: str, _token: object) -> bool:
    return False


def read(origin: Origin = PUBLIC, **message: Any) -> Event:
    event = from_segment(message, origin, is_proven=nobody, spare_id=lambda: "spare")
    assert isinstance(event, Event), event
    return event


def refused(origin: Origin = PUBLIC, **message: Any) -> Unfit:
    unfit = from_segment(message, origin, is_proven=nobody, spare_id=lambda: "spare")
    assert isinstance(unfit, Unfit)
    return unfit


def test_a_browsers_page_view_of_segments_library() -> None:
    event = read(
        type="page",
        name="Category",
        category="shop",
        properties={"path": "/mens/shoes"},
        context={"library": {"name": "analytics.js", "version": "npm:next-1.84.3"}},
        messageId="ajs-next-1",
        anonymousId="fdfed6b1",
        userId=None,
        timestamp="2026-11-22T11:06:10.114Z",
        sentAt="2026-11-22T11:06:15.000Z",
    )
    assert (event.type, event.name, event.source, event.message_id) == (
        "page",
        "Page Viewed",
        "browser",
        "ajs-next-1",
    )
    assert event.properties == {"path": "/mens/shoes", "name": "Category", "category": "shop"}
    assert (event.namespace, event.id) == ("anonymous", "fdfed6b1")
    assert event.occurred_at == from_iso("2026-11-22T11:06:10.114Z")


def test_a_rudder_identify_has_its_traits_in_the_context_and_only_an_original_timestamp() -> None:
    event = read(
        type="identify",
        userId="rb-1",
        anonymousId="1604",
        context={"traits": {"email": "rb@example.com", "age": 3}, "page": {"referrer": "$direct"}},
        traits={"age": 4},
        originalTimestamp="2026-11-22T12:06:10.000Z",
        sentAt="2026-11-22T12:06:12.000Z",
    )
    assert event.traits == {"email": "rb@example.com", "age": 4}
    assert event.occurred_at == RECEIVED - 2 * SECOND
    assert (event.user_id, event.claimed_user_id) == (None, "rb-1")


def test_a_secret_key_proves_the_user() -> None:
    event = read(SECRET, type="track", event="X", userId="u", anonymousId="a")
    assert (event.namespace, event.id, event.source) == ("user", "u", "server")


def test_a_token_proves_the_user_and_an_unproven_one_alone_is_a_claim() -> None:
    message = {"type": "track", "event": "X", "userId": "u", "context": {"userToken": "t"}}
    proven = from_segment(
        message, PUBLIC, is_proven=lambda user, token: (user, token) == ("u", "t"), spare_id=str
    )
    assert isinstance(proven, Event)
    assert proven.namespace == "user"
    assert read(type="track", event="X", userId="u").namespace == "claim"


@pytest.mark.parametrize(
    ("given_id", "text"), [(12, "12"), (12.0, "12"), (" a ", "a"), (10**20, str(10**20))]
)
def test_numbers_are_ids_too(given_id: object, text: str) -> None:
    assert read(type="track", event="X", anonymousId=given_id).anonymous_id == text


@pytest.mark.parametrize("absent", [None, "", " ", "undefined", "NULL", "[object Object]"])
def test_what_broken_scripts_send_instead_of_an_id_is_absent(absent: object) -> None:
    assert refused(type="track", event="X", anonymousId=absent).code == "no_id"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "dance", "userId": "u"}, "unknown_type"),
        ({"userId": "u"}, "unknown_type"),
        ({"type": "track", "userId": "u"}, "no_event"),
        ({"type": "track", "userId": "u", "event": "  "}, "no_event"),
        ({"type": "track", "userId": ["u"], "event": "X"}, "bad_id"),
        ({"type": "track", "userId": True, "event": "X"}, "bad_id"),
        ({"type": "track", "userId": "u" * 201, "event": "X"}, "id_too_long"),
        ({"type": "track", "userId": "u", "event": "X" * 121}, "name_too_long"),
        ({"type": "alias", "userId": "u"}, "no_id"),
    ],
)
def test_what_cannot_be_taken_says_why(message: dict[str, Any], code: str) -> None:
    assert refused(**message).code == code
    assert refused(**message).reason


def test_the_paths_type_and_the_batchs_context_hold_for_a_message() -> None:
    origin = Origin(received_at=RECEIVED, type="track", context={"locale": "de", "page": {"path": "/"}})
    event = read(origin, event="X", userId="u", context={"locale": "fr"})
    assert event.context == {"locale": "fr", "page": {"path": "/"}}


@pytest.mark.parametrize(
    ("library", "source"),
    [
        ("analytics.js", "browser"),
        ("RudderLabs JavaScript SDK", "browser"),
        ("analytics-ios", "app"),
        ("com.rudderstack.android", "app"),
        ("analytics-python", "server"),
        ("@segment/analytics-node", "server"),
        (None, "browser"),
    ],
)
def test_the_library_tells_what_kind_of_source_it_is(library: str | None, source: str) -> None:
    assert read(type="track", event="X", userId="u", context={"library": {"name": library}}).source == source


# -- time -------------------------------------------------------------------------------------


def at(origin: Origin = PUBLIC, **message: Any) -> int:
    return read(origin, type="track", event="X", userId="u", **message).occurred_at


def test_a_wrong_clock_is_corrected() -> None:
    years_off = RECEIVED + 400 * DAY
    assert at(timestamp=to_iso(years_off - MINUTE), sentAt=to_iso(years_off)) == RECEIVED - MINUTE
    batch = Origin(received_at=RECEIVED, sent_at=years_off)
    assert at(batch, timestamp=to_iso(years_off - MINUTE)) == RECEIVED - MINUTE


def test_a_back_dated_event_keeps_its_age() -> None:
    assert at(timestamp=to_iso(RECEIVED - 90 * DAY), sentAt=to_iso(RECEIVED)) == RECEIVED - 90 * DAY


def test_without_the_senders_clock_the_timestamp_stands() -> None:
    assert at(timestamp=to_iso(RECEIVED - HOUR)) == RECEIVED - HOUR


def test_a_timestamp_somebody_corrected_already_stands() -> None:
    message = {"timestamp": to_iso(RECEIVED - HOUR), "originalTimestamp": to_iso(RECEIVED - 3 * HOUR)}
    assert at(**message, sentAt=to_iso(RECEIVED)) == RECEIVED - HOUR


def test_history_keeps_its_times_whenever_it_was_sent() -> None:
    origin = Origin(received_at=RECEIVED, source="import")
    then = RECEIVED - 300 * DAY
    assert at(origin, timestamp=to_iso(then), sentAt=to_iso(then + SECOND)) == then


def test_history_of_a_device_stays_a_visit_and_other_history_does_not() -> None:
    origin = Origin(received_at=RECEIVED, source="import")

    def source(**message: Any) -> str:
        return read(origin, type="track", event="X", **message).source

    assert source(anonymousId="a-1") == "browser"
    assert source(anonymousId="a-1", context={"device": {"type": "ios"}}) == "app"
    assert source(anonymousId="a-1", context={"library": {"name": "analytics-python"}}) == "server"
    assert source(userId="u-1") == "import"


@pytest.mark.parametrize(
    "stamp",
    ["2096-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "yesterday", "", {}, [], True, 1e400, -1, "0001-01-01"],
)
def test_wild_times_are_now(stamp: object) -> None:
    assert at(timestamp=stamp) == RECEIVED


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-11-22T10:00:00Z", "2026-11-22T10:00:00.000Z", "2026-11-22T11:00:00+01:00", "2026-11-22 10:00:00",
        "2026-11-22T10:00:00.000000+00:00", 1795341600000, 1795341600, "1795341600", "1795341600000", 1795341600.0,
    ],
)  # fmt: skip
def test_times_are_read_in_every_usual_spelling(stamp: object) -> None:
    assert at(timestamp=stamp) == from_iso("2026-11-22T10:00:00Z")


@given(st.integers(0, 10**14), st.integers(0, 10**14) | st.none())
def test_nothing_happens_in_the_future_or_before_there_were_shops(stamp: int, sent: int | None) -> None:
    assert from_iso("2005-01-01T00:00:00Z") <= at(timestamp=stamp, sentAt=sent) <= RECEIVED


# -- the rest ---------------------------------------------------------------------------------


def test_a_message_id_may_be_missing_a_number_or_far_too_long() -> None:
    message = {"type": "track", "event": "X", "userId": "u"}
    assert read(**message).message_id == "spare"
    assert read(**message, messageId=7).message_id == "7"
    assert len(read(**message, messageId="m" * 5_000).message_id) == 64


def test_depth_is_counted_without_recursion() -> None:
    value: Any = 1
    for _ in range(64):
        value = [value]
    assert not is_too_deep(value)
    for _ in range(100_000):
        value = {"a": value}
    assert is_too_deep(value)
    while isinstance(value, dict):  # or freeing it would recurse
        value = value.pop("a")


def test_a_stored_body_gives_the_same_properties_again() -> None:
    message = {
        "type": "page",
        "anonymousId": "a",
        "name": "Home",
        "category": "start",
        "properties": {"path": "/"},
    }
    event = read(**message)
    again = from_body(event.name, message, event.occurred_at)
    assert (again.properties, again.context, again.name) == (event.properties, event.context, event.name)
