"""A preview link's word, from a browser with the public key: rules in preview are shown, and nothing is recorded."""

from __future__ import annotations

import httpx
import pytest
from tests.http.shop import WRITE, Clock, shop_programme

from opportune.core.history.key import key_of
from opportune.core.programme import Programme
from opportune.core.rule import RunState
from opportune.errors import BadRequestError
from opportune.services.house import House
from opportune.services.previewing import LIFE_MS, is_preview, make_preview, preview_link

pytestmark = pytest.mark.anyio


@pytest.fixture
def previewed(house: House) -> House:
    """Its rule is in preview."""
    programme = shop_programme()
    house.programme = Programme(programme.playbook, {"Keen": RunState(rule="Keen", state="preview")})
    return house


async def headline(client: httpx.AsyncClient, preview: object) -> str:
    asked = {"anonymousId": "a-1", "slots": ["hero"], "context": {"keen": True, "preview": preview}}
    answer = await client.post("/v1/decide", json=asked, headers=WRITE)
    assert answer.status_code == 200
    text: str = answer.json()["decisions"]["hero"]["value"]["headline"]
    return text


async def test_a_browser_with_the_links_word_sees_rules_in_preview(
    client: httpx.AsyncClient, previewed: House
) -> None:
    assert await headline(client, make_preview(previewed)) == "Shoes for <you>"
    assert previewed.storage.list_exposures([key_of("anonymous", "a-1")]) == []


@pytest.mark.parametrize("word", [True, "true", 1, "", "x", "9999999999.abc", "9" * 300, None, {}, "é.1"])
async def test_nothing_else_makes_a_browser_a_previewer(
    client: httpx.AsyncClient, previewed: House, word: object
) -> None:
    assert await headline(client, word) == "Welcome"


async def test_a_word_ends(client: httpx.AsyncClient, previewed: House, clock: Clock) -> None:
    word = make_preview(previewed)
    clock.now += LIFE_MS
    assert await headline(client, word) == "Welcome"


async def test_a_link_keeps_the_pages_address_and_has_one_word_at_its_end(house: House) -> None:
    link = preview_link(house, "https://shop.example/sale?a=1&o_preview=old#top")
    address, _, word = link.partition("&o_preview=")
    assert address == "https://shop.example/sale?a=1"
    assert is_preview(house, word)
    for wrong in ("shop.example", "javascript:alert(1)", "https://", "http://[", ""):
        with pytest.raises(BadRequestError):
            preview_link(house, wrong)
