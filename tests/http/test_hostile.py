"""Whatever is sent to whichever route, with whichever key: an answer, and never a 5xx."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.http.shop import SECRET, WRITE, Clock, client_of, shop_programme
from tests.stores import examples_for

from opportune.http.dispatch import HttpApp
from opportune.http.edge import EdgeOptions
from opportune.http.routes import ROUTES, create_http_app
from opportune.services.house import House
from opportune.services.limiting import NO_LIMITS
from opportune.services.operating import add_key
from opportune.storage.base import Storage

NAMES = [
    "userId", "anonymousId", "userToken", "slots", "context", "events", "receipts", "preview", "ahead", "targetingKey",
    "batch", "type", "event", "properties", "traits", "messageId", "timestamp", "sentAt", "writeKey", "previousId",
    "groupId", "ids", "fix", "page", "campaign", "url", "keen", "products", "value", "decision", "order_id",
]  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["\x00", "track", "identify", "alias", "hero", "all", "2026-11-22T10:00:00Z", "9" * 400, "a" * 300]
    ),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**25), 10**25),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
)
NAMED = st.one_of(st.sampled_from(NAMES), TEXTS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMED, inner, max_size=6)),
    max_leaves=25,
)
BODIES = st.one_of(
    st.binary(max_size=60),
    VALUES.map(msgspec.json.encode),
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8).map(msgspec.json.encode),
)


def app_of(storage: Storage) -> HttpApp:
    house = House(storage, Clock(), b"s" * 32, shop_programme(), deadline_seconds=30)
    for key, headers in (("secret", SECRET), ("write", WRITE)):
        add_key(house, kind=key, name=key, value=headers["Authorization"].removeprefix("Bearer "))  # type: ignore[arg-type]  # the two kinds there are

    async def reader(function: Any, *arguments: Any) -> Any:
        return function(storage, *arguments)

    return create_http_app(house, reader, reader, EdgeOptions(rates=NO_LIMITS))


DOCUMENTED = [route for route in ROUTES if not route.is_hidden]


@pytest.mark.parametrize("route", DOCUMENTED, ids=lambda route: f"{route.method} {route.path}")
def test_no_input_is_a_fault_of_ours(route: Any, storage: Storage) -> None:
    app = app_of(storage)
    part = st.text(min_size=1, max_size=12).filter(lambda text: "/" not in text)

    @settings(max_examples=examples_for(storage, 15))
    @given(
        body=BODIES,
        part=part,
        query=st.dictionaries(
            st.sampled_from([*NAMES, "limit", "cursor", "since", "id", "namespace"]), TEXTS, max_size=3
        ),
        headers=st.sampled_from([SECRET, WRITE, {}]),
    )
    def send(body: bytes, part: str, query: dict[str, str], headers: dict[str, str]) -> None:
        async def call() -> int:
            path = route.path.replace("{slot}", "hero") if len(part) % 2 else route.path
            for name in ("{slot:path}", "{slot}", "{id}", "{key}"):
                path = path.replace(name, quote(part, safe=""))
            async with client_of(app) as client:
                answer = await client.request(route.method, path, content=body, params=query, headers=headers)
            return answer.status_code

        assert asyncio.run(call()) < 500

    send()
