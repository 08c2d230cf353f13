"""Every default on one screen, every default an `OPPORTUNE_...` variable, and a page that lists them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from opportune.errors import BadRequestError
from opportune.settings import DEFAULTS, MEANINGS, Settings, from_environment, reference_page, variable_of

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def test_without_variables_the_defaults_hold() -> None:
    assert from_environment({}) == DEFAULTS


def test_a_variable_overrides_its_default() -> None:
    settings = from_environment({"OPPORTUNE_PORT": "9000", "OPPORTUNE_TRUSTS_PROXY": "true"})
    assert settings.port == 9_000
    assert settings.trusts_proxy is True


def test_an_empty_variable_counts_as_absent() -> None:
    assert from_environment({"OPPORTUNE_PORT": ""}).port == DEFAULTS.port


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("OPPORTUNE_PORT", "many", "a whole number"),
        ("OPPORTUNE_PORT", "70000", "65535"),
        ("OPPORTUNE_TRUSTS_PROXY", "perhaps", "true or false"),
        ("OPPORTUNE_KEY_RATE", "-1", ">= 0"),
        ("OPPORTUNE_KEEP_MONTHS", "3", "0 (for ever) or at least 4"),
        ("OPPORTUNE_KEEP_MONTHS", "-1", ">= 0"),
    ],
)
def test_a_wrong_variable_is_named_with_what_would_be_right(name: str, value: str, said: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        from_environment({name: value})
    assert name in str(caught.value)
    assert value in str(caught.value)
    assert said in str(caught.value)


def test_foreign_variables_are_left_alone() -> None:
    assert from_environment({"OPPORTUNE_DATABASE_PASSWORD": "x", "PATH": "/bin"}) == DEFAULTS


def test_every_setting_has_a_meaning_in_the_order_of_the_screen() -> None:
    assert tuple(MEANINGS) == Settings.__struct_fields__


def test_the_page_of_settings_is_up_to_date() -> None:
    assert PAGE.read_text() == reference_page(), "run `python tools/write_reference.py`"
    assert all(variable_of(name) in PAGE.read_text() for name in MEANINGS)
