"""The demo's playbook is one we would show: it checks without a warning, and every sentence reads itself back."""

from __future__ import annotations

from pathlib import Path

import pytest

from opportune.core.language.sentence import describe, parse_condition
from opportune.core.playbook import Playbook
from opportune.core.playbook_files.folder import check_files
from opportune.core.playbook_files.rule_text import describe_rule, playbook_document
from opportune.core.playbook_files.yaml_text import Entries, Scalar, read_documents
from opportune.services.publishing import read_folder

FOLDER = Path(__file__).parents[2] / "src" / "opportune" / "demo" / "playbook"
FILES = read_folder(FOLDER)[0]


@pytest.fixture(scope="module")
def playbook() -> Playbook:
    checked = check_files(FILES, 1_800_000_000_000)
    assert [str(problem) for problem in checked.problems] == []
    assert checked.playbook is not None
    return checked.playbook


def test_three_rules_are_live_three_are_ready_and_three_have_a_past(playbook: Playbook) -> None:
    launches = {name: rule.launch for name, rule in playbook.rules.items()}
    assert launches == {
        "Category returner": "live", "Subscribed": "live", "Quiet in support": "live",
        "Paid search match": "draft", "Shipping reassurance": "draft", "Bought: no discount": "draft",
        "Welcome": "draft", "Back again": "draft", "Letter pop-up": "draft",
    }  # fmt: skip


def test_its_sentences_are_canonical(playbook: Playbook) -> None:
    for path, text in FILES.items():
        if path.startswith("rules/"):
            document = read_documents(path, text)[0][0]
            assert isinstance(document, Entries)
            name, when = document.find("rule"), document.find("when")
            assert isinstance(name, Scalar)
            assert isinstance(when, Scalar)
            rule = playbook.rules[name.text]
            assert parse_condition(describe(rule.when, playbook.vocabulary), playbook.vocabulary) == rule.when


def test_its_rules_read_themselves_back(playbook: Playbook) -> None:
    rules = "---\n".join(describe_rule(rule, playbook) for rule in playbook.rules.values())
    others = {path: text for path, text in FILES.items() if not path.startswith("rules/")}
    again = check_files({**others, "rules/all.yaml": rules}).playbook
    assert again is not None
    assert again.rules == playbook.rules
    assert again.behaviours == playbook.behaviours


def test_every_place_of_the_shop_is_declared(playbook: Playbook) -> None:
    assert set(playbook.slots) == {
        "home-hero", "home-products", "goes-well-with", "offer-bar", "signup-banner", "product-offer", "trust-message",
        "cart-upsell", "free-shipping-threshold", "new-checkout",
    }  # fmt: skip


def test_it_can_be_read_as_a_document(playbook: Playbook) -> None:
    document = playbook_document(playbook)
    assert "a returning visitor viewed the same category at least 2 times in 7 days" in document
    assert all(rule.owner in document for rule in playbook.rules.values())
