"""Reading a shop's REST API page by page, at the pace it allows, and from where the last attempt stopped."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import msgspec

from opportune.core.exports.api import Api, Object
from opportune.core.exports.base import Kind
from opportune.errors import BadRequestError
from opportune.process.fetching import connect, path_of

TRIES = 8
TIMEOUT_SECONDS = 60.0
MOST_PAGE_BYTES = 64 * 1024 * 1024
LONGEST_PAUSE_SECONDS = 60.0
BUSY = frozenset({429, 502, 503, 504})
NEARLY = 0.8
"""Of what a shop allows at once; from there on it is asked slowly."""
SLOW_SECONDS = 0.5


class ApiPage(NamedTuple):
    """Objects, and the address of the page after them, empty after the last."""

    objects: list[Object]
    following: str


class ShopApi:
    """One shop, one token. `pause` waits; a test gives its own."""

    def __init__(
        self, api: Api, url: str, token: str, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        parts = urlsplit(url if "//" in url else f"https://{url}")
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._api = api
        self._headers = {"Accept": "application/json", "User-Agent": "Opportune", **api.headers(token)}
        self._pause = pause
        self._host = parts.netloc
        self._connection = connect(self.url, TIMEOUT_SECONDS)

    def pages(self, kind: Kind, start: str = "") -> Iterator[ApiPage]:
        """From the beginning, or from a page's address. Raises BadRequestError that says what is wrong."""
        address = start or self.url + self._api.first(kind)
        while address:
            headers, body = self._get(address)
            following = self._api.next_page(address, headers)
            if following:
                following = urljoin(address, following)
                if urlsplit(following).netloc != self._host:
                    raise BadRequestError(
                        wrong=f"{self.url} names a next page on another host; it is not asked."
                    )
            try:
                objects = self._api.objects(kind, msgspec.json.decode(body))
            except msgspec.DecodeError:
                wrong = (
                    f"{_shown(address)} answered something else than JSON; is {self.url} the shop's address?"
                )
                raise BadRequestError(wrong=wrong) from None
            yield ApiPage(objects, following)
            address = following
            self._hold_back(headers)

    def close(self) -> None:
        self._connection.close()

    def _get(self, address: str) -> tuple[Mapping[str, str], bytes]:
        for attempt in range(TRIES):
            try:
                self._connection.request("GET", path_of(address), headers=self._headers)
                answer = self._connection.getresponse()
                body = answer.read(MOST_PAGE_BYTES)
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                if attempt == TRIES - 1 or isinstance(error, ConnectionRefusedError):
                    raise BadRequestError(wrong=f"{self.url} does not answer: {error}.") from None
                self._pause(min(2.0**attempt, LONGEST_PAUSE_SECONDS))
                continue
            headers = {name.lower(): value for name, value in answer.getheaders()}
            if answer.status in BUSY:
                self._pause(_pause_of(headers, attempt))
                continue
            if answer.status != http.client.OK:
                raise BadRequestError(wrong=self._refusal(answer.status, address, body))
            return headers, body
        raise BadRequestError(
            wrong=f"{self.url} stayed busy; what was read is kept, run the same again later."
        )

    def _refusal(self, status: int, address: str, body: bytes) -> str:
        if status in (401, 403):
            return f"{self.url} refused the token ({status}): it must be allowed to read {self._api.label}'s lists."
        if status == http.client.NOT_FOUND:
            return f"{_shown(address)} is not there (404): is {self.url} the address of a {self._api.label} shop?"
        return f"{_shown(address)} answered {status}: {body[:200].decode('utf-8', 'replace')}"

    def _hold_back(self, headers: Mapping[str, str]) -> None:
        """Shopify says how much of its bucket is used up: `38/40`."""
        used, _, most = headers.get("x-shopify-shop-api-call-limit", "").partition("/")
        if used.isdigit() and most.isdigit() and int(used) >= NEARLY * int(most):
            self._pause(SLOW_SECONDS)


def _pause_of(headers: Mapping[str, str], attempt: int) -> float:
    try:
        asked = float(headers.get("retry-after", ""))
    except ValueError:
        asked = 2.0**attempt
    return min(max(asked, 0.0), LONGEST_PAUSE_SECONDS)


def _shown(address: str) -> str:
    return address.partition("?")[0]
