"""What a request states settles a rule at once; what merely looks alike is never taken for it."""

from __future__ import annotations

from typing import Any

from tests.building import NOW

from opportune.core.conditions import All, SignalTest
from opportune.core.conditions.base import Check
from opportune.core.finding import Finding
from opportune.core.history.plan import Plan
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.signals import FAMILY, readers
from opportune.core.signals.base import Reading
from opportune.core.situation import Context, Situation, Trait

ON_MOBILE_TWICE = All(
    conditions=(
        SignalTest(signal="device type", test="is", values=("mobile",)),
        SignalTest(signal="visits", test="at least", values=(1,)),
    )
)
VOCABULARY = Vocabulary(plan=Plan(), signals=FAMILY)


def compiled(condition: All = ON_MOBILE_TWICE) -> Check:
    return condition.compile(VOCABULARY)


def stating(**others: Any) -> Situation:
    attributes = {name.replace("_", " "): value for name, value in others.items()}
    return Situation(now=NOW, readers=readers(), context=Context(attributes=attributes))


def values_of(finding: Finding) -> list[Any]:
    return [part.facts[0] for part in finding.parts]


def test_the_same_values_give_the_same_finding_again() -> None:
    check = compiled()
    first, again = (check(stating(device_type="Mobile", visits=3)) for _ in range(2))
    assert first.held
    assert again is first
    assert values_of(first) == ["Mobile", 3]


def test_a_yes_or_a_fraction_is_not_the_whole_number_it_equals() -> None:
    check = compiled()
    assert check(stating(device_type="mobile", visits=1)).held
    fraction, yes = (check(stating(device_type="mobile", visits=value)) for value in (1.0, True))
    assert repr(values_of(fraction)) == "['mobile', 1.0]"
    assert values_of(yes)[1] is not True, "a yes is no number of visits, so what was captured counts"


def test_what_was_supposed_or_recorded_outranks_what_the_request_states() -> None:
    check = compiled()
    assert check(stating(device_type="mobile", visits=3)).held
    supposed = stating(device_type="mobile", visits=3)
    supposed.readings["device type"] = Reading("desktop", "session", "high", NOW)
    assert not check(supposed).held


def test_a_list_or_a_value_under_another_spelling_is_read_the_long_way() -> None:
    check = compiled()
    assert not check(stating(device_type=["mobile"], visits=3)).held
    spelled = Context(attributes={"deviceType": "mobile", "visits": 3})
    assert check(Situation(now=NOW, readers=readers(), context=spelled)).held


def test_a_detail_that_no_list_names_is_taken_from_the_request_before_the_profile() -> None:
    check = compiled(
        All(
            conditions=(
                SignalTest(signal="loyalty", test="is", values=("gold",)),
                SignalTest(signal="shoe size", test="at least", values=(40,)),
            )
        )
    )
    said = Context(attributes={"loyalty": "gold", "shoe size": 42})
    silver = {"loyalty": Trait("silver", "crm", NOW), "shoe_size": Trait(42, "crm", NOW)}
    for _ in range(2):
        assert check(Situation(now=NOW, readers=readers(), context=said, traits=silver)).held
    assert not check(Situation(now=NOW, readers=readers(), traits=silver)).held


def test_an_empty_text_says_nothing_so_the_browser_is_asked() -> None:
    check = compiled()
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
    for user_agent, held in (("", False), (phone, True), ("", False)):
        said = Context(attributes={"device type": "", "visits": 3}, user_agent=user_agent)
        assert check(Situation(now=NOW, readers=readers(), context=said)).held is held
