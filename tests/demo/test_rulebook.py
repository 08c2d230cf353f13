from __future__ import annotations

import yaml
from hypothesis import given
from hypothesis import strategies as st

from opportune.demo.rulebook import _with_sentence

RULE = """# Why we have it
rule: Category returner
when: a visitor came back
  and looked around
show:
  home hero: Category promise  # the big one
"""


def test_only_the_sentence_changes() -> None:
    changed = _with_sentence(RULE, "a visitor is new")
    assert changed == RULE.replace("a visitor came back\n  and looked around", "a visitor is new")


@given(st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1))
def test_whatever_is_typed_stays_one_sentence_in_the_file(sentence: str) -> None:
    read = yaml.safe_load(_with_sentence(RULE, sentence))
    assert str(read["when"]) == " ".join(sentence.split())
    assert set(read) == {"rule", "when", "show"}
