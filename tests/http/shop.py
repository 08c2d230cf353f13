"""A small shop for the HTTP tests: a few places, two rules, three keys, a fixed clock."""

from __future__ import annotations

import httpx
from tests.building import NOW, Flag

from opportune.core.history.plan import Plan
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.playbook import Playbook
from opportune.core.programme import Programme
from opportune.core.rule import Hide, Rule, RunState, Show
from opportune.core.slot import Slot, Variant
from opportune.core.team import Team
from opportune.http.dispatch import HttpApp

SECRET_KEY = "osk_secret_key_of_tests"
DECIDE_KEY = "osk_decide_key_of_tests"
WRITE_KEY = "owk_write_key_of_tests"

SLOTS = (
    Slot(
        name="hero",
        fallback={"headline": "Welcome"},
        tags=frozenset({"promo"}),
        variants=(Variant(name="Shoes", value={"headline": "Shoes for <you>"}),),
        template="<h1>{{ headline }}</h1>",
    ),
    Slot(name="banner", fallback={"text": "Sign up"}, tags=frozenset({"promo"})),
    Slot(name="ratio", type="number", fallback=1, variants=(Variant(name="Half", value=0.5),)),
    Slot(name="count", type="number", fallback=3),
    Slot(name="is-new", type="yes/no", fallback=False, variants=(Variant(name="On", value=True),)),
    Slot(name="colour", type="text", fallback="red", variants=(Variant(name="Blue", value="blue"),)),
    Slot(name="empty"),
)
RULES = (
    Rule(
        name="Keen",
        when=Flag("keen"),
        show=(
            Show(slot="hero", variant="Shoes"),
            Show(slot="is-new", variant="On"),
            Show(slot="colour", variant="Blue"),
        ),
    ),
    Rule(name="Quiet", when=Flag("in support"), hide=(Hide(tag="promo"),), always=True),
)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


def shop_programme(*rules: Rule, team: Team | None = None) -> Programme:
    plan = Plan()
    rules = rules or RULES
    playbook = Playbook(
        revision="abc123",
        team=team or Team(),
        plan=plan,
        vocabulary=Vocabulary(plan=plan, signals={}, attributes=("name",)),
        slots={slot.name: slot for slot in SLOTS},
        rules={rule.name: rule for rule in rules},
        behaviours={rule.name: f"hash of {rule.name}" for rule in rules},
    )
    return Programme(playbook, {rule.name: RunState(rule=rule.name) for rule in rules})


def client_of(app: HttpApp, address: str = "127.0.0.1") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, client=(address, 1), raise_app_exceptions=True)
    return httpx.AsyncClient(transport=transport, base_url="http://shop.test")


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


SECRET = bearer(SECRET_KEY)
WRITE = bearer(WRITE_KEY)
