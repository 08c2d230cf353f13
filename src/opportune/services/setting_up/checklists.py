"""Week one, month one, quarter one: what a small team gets done, ticked by what is seen."""

from __future__ import annotations

from collections.abc import Mapping

from opportune.core.moment import DAY
from opportune.services.setting_up.looked import ORDER, Looked
from opportune.services.setting_up.step import Checklist, Step, Task

FEWEST_RULES = 3
KEY_EVENTS = ("product view", "add to cart", "order")


def checklists(looked: Looked, steps: Mapping[str, Step]) -> tuple[Checklist, ...]:
    return (
        _list("Week one: see", _week_one(looked, steps)),
        _list("Month one: learn", _month_one(looked, steps)),
        _list("Quarter one: keep what helps", _quarter_one(looked, steps)),
    )


def _list(title: str, tasks: Mapping[str, bool]) -> Checklist:
    return Checklist(title=title, tasks=tuple(Task(title=name, is_done=done) for name, done in tasks.items()))


def _week_one(looked: Looked, steps: Mapping[str, Step]) -> dict[str, bool]:
    return {
        "The server has its own address, with HTTPS": _is_done(steps, "server", "https"),
        "The snippet is on the shop": _is_done(steps, "snippet"),
        "Product views, carts and orders arrive": _is_done(steps, *KEY_EVENTS),
        "The shop itself tells of its orders, or they were imported": any(
            order.by_shop for order in looked.orders
        ),
        "The first rule that hides something is live": any(
            looked.playbook.rules[name].hide for name in looked.launched()
        ),
    }


def _month_one(looked: Looked, steps: Mapping[str, Step]) -> dict[str, bool]:
    rules = [looked.playbook.rules[name] for name in looked.launched()]
    return {
        "The first test runs": any(rule.test is not None for rule in rules),
        "A control group shows what all rules do together": bool(looked.playbook.team.holdout),
        "Nine of ten orders are seen in the browser, too": _is_done(steps, "orders"),
        "Every place of the playbook is found on the pages": _is_done(steps, "places"),
        "Nothing is left aside": _is_done(steps, "set aside"),
    }


def _quarter_one(looked: Looked, steps: Mapping[str, Step]) -> dict[str, bool]:
    launched = looked.launched()
    seen = looked.seen_of(ORDER)
    return {
        f"{FEWEST_RULES} rules are live": len(launched) >= FEWEST_RULES,
        "A test ran for as long as it was planned": any(_ran_whole(looked, name) for name in launched),
        "Visitors are recognized after a week": _is_done(steps, "id"),
        "Three months of orders are there to compare with": seen is not None
        and seen[1] - seen[0] >= 90 * DAY,
    }


def _ran_whole(looked: Looked, name: str) -> bool:
    test, state = looked.playbook.rules[name].test, looked.states[name]
    if test is None or test.days is None:
        return False
    return state.since_at > 0 and looked.now - state.since_at >= test.days * DAY


def _is_done(steps: Mapping[str, Step], *names: str) -> bool:
    return all(name in steps and steps[name].state == "done" for name in names)
