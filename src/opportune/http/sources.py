"""`POST /v1/sources/shopify` and `/v1/sources/woocommerce`: webhooks that a shop signed.

The signature is over the body's very bytes. What nobody uses is answered 200 too, and counted, as a platform ends
a webhook that keeps being refused.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from opportune.core.shops import SHOPS
from opportune.core.shops.base import Shop, Webhook
from opportune.errors import BadRequestError, StorageBusyError
from opportune.http.answers import json_answer
from opportune.http.body import parse_json, read_body
from opportune.http.edge import Edge, Headers, headers_of, is_public
from opportune.http.endpoint import Endpoint
from opportune.services.catalogue.stocking import hear_product
from opportune.services.connecting import Source, find_signer, list_sources
from opportune.services.hearing import Heard, find_owner, hear, heard
from opportune.services.people.redacting import take_request

MOST_BYTES = 2 * 1024 * 1024
"""Larger than what a page may send: a product with all its variants comes whole."""
LONGEST_WAIT_SECONDS = 4.0
"""Shopify gives up after 5."""
MOST_TOPICS = 200
"""Topics counted by name; a connected shop is trusted, but not with all the memory."""


async def take(shop: Shop, edge: Edge, request: Request) -> Response:
    headers = headers_of(request.scope)
    _limit(edge, headers, request)
    body = await read_body(request.scope, request.receive, MOST_BYTES)
    if shop.is_greeting(body) and shop.signature_header not in headers:
        return json_answer(Heard(ignored="hello"))
    async with _in_time():
        sources = await asyncio.to_thread(list_sources, edge.house.storage)
        source = find_signer(sources, shop, body, _text(headers, shop.signature_header))
        answer = await _hear(edge, source, shop, _webhook(shop, source, headers, body))
    return json_answer(answer)


async def _hear(edge: Edge, source: Source, shop: Shop, webhook: Webhook) -> Heard:
    if webhook.topic in shop.product_topics:
        found = await asyncio.to_thread(hear_product, edge.house, shop, webhook)
        _count(edge, shop, webhook.topic, "ignored" if found.ignored else "taken")
        return found
    if (asked := shop.ask(webhook)) is not None:
        await asyncio.to_thread(take_request, edge.house, source, asked)
        _count(edge, shop, webhook.topic, "taken")
        return Heard()
    told = shop.tell(webhook)
    if not told.messages:
        _count(edge, shop, webhook.topic, "ignored")
        return Heard(ignored=told.ignored or "it says nothing that is used here")
    owner = await asyncio.to_thread(find_owner, edge.house, told.of_order) if told.of_order else {}
    result = await asyncio.wrap_future(hear(edge.house, source, shop, told, owner))
    edge.metrics.count_events(result.accepted, result.duplicate, result.set_aside)
    _count(edge, shop, webhook.topic, "taken")
    return heard(result)


@contextlib.asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    """Raises StorageBusyError before the shop gives up; what is stored yet is known when it comes again."""
    try:
        async with asyncio.timeout(LONGEST_WAIT_SECONDS):
            yield
    except TimeoutError:
        raise StorageBusyError from None


def _webhook(shop: Shop, source: Source, headers: Headers, body: bytes) -> Webhook:
    """Raises BrokenJsonError, BadRequestError."""
    content = parse_json(body)
    if not isinstance(content, dict):
        raise BadRequestError(wrong=f"{shop.label} sends a JSON object; this is something else.")
    delivery = next((found for name in shop.delivery_headers if (found := _text(headers, name))), "")
    return Webhook(
        topic=_text(headers, shop.topic_header),
        body=content,
        delivery=delivery,
        prefix=source.prefix,
        is_test=bool(shop.test_header) and _text(headers, shop.test_header).lower() == "true",
    )


def _limit(edge: Edge, headers: Headers, request: Request) -> None:
    """Strangers may not make us check signatures without end. Raises TooManyRequestsError."""
    address = edge.address_of(headers, request.scope)
    if is_public(address):
        edge.limits.check("address", address, edge.house.clock())


def _count(edge: Edge, shop: Shop, topic: str, outcome: str) -> None:
    counts = edge.metrics.webhooks
    known = (shop.platform, topic, outcome)
    if known not in counts and len(counts) >= MOST_TOPICS:
        known = (shop.platform, "(others)", outcome)
    counts[known] += 1


def _text(headers: Headers, name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1").strip()


ROUTES: tuple[Endpoint, ...] = tuple(
    Endpoint(
        method="POST",
        path=f"/v1/sources/{shop.platform}",
        handler=partial(take, shop),
        summary=f"A webhook that a connected {shop.label} shop signed",
        access="open",
        body=dict[str, Any],
        answer=Heard,
    )
    for shop in SHOPS
)
