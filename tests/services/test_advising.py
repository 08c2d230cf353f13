"""Recipes: each checks by itself, hiding comes first, and taking one over leaves what is there as it is."""

from __future__ import annotations

import pytest
import yaml

from opportune.cli.init import first_files
from opportune.core.playbook_files.folder import check_files, read_playbook
from opportune.errors import BadRequestError, NotFoundError, PlaybookError
from opportune.recipes import FOLDER, RECIPES, Recipe, team_file
from opportune.services.traffic.advising import add_recipe, find_recipe, list_ready_rules, title_of

NAMES = [recipe.name for recipe in RECIPES]


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
def test_every_recipe_checks_by_itself_without_a_warning(recipe: Recipe) -> None:
    checked = check_files({"team.yaml": team_file(), **recipe.files()})
    assert checked.playbook is not None, checked.problems
    assert checked.problems == ()
    [rule] = checked.playbook.rules.values()
    assert rule.launch == "preview"
    assert "purpose" not in rule.inherited
    assert all(slot.fallback and slot.purpose for slot in checked.playbook.slots.values())


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
def test_a_recipe_is_written_as_it_is_read_back(recipe: Recipe) -> None:
    [ready] = [found for found in list_ready_rules({}, frozenset()) if found.name == recipe.name]
    assert yaml.safe_load(recipe.files()[f"rules/{recipe.name}.yaml"])["when"] == ready.when
    assert ready.needs
    assert ready.feels
    assert ready.places


def test_there_are_ten_and_those_that_hide_come_first() -> None:
    hides = [ready.hides for ready in list_ready_rules({}, frozenset())]
    assert hides == [True] * 3 + [False] * 7
    assert {path.name for path in FOLDER.iterdir() if path.is_dir()} - {"__pycache__"} == set(NAMES)


def test_the_first_playbook_takes_all_recipes_and_still_checks() -> None:
    files = first_files()
    for recipe in RECIPES:
        if title_of(recipe) not in read_playbook(files).rules:
            files |= add_recipe(recipe, files).files
    playbook = read_playbook(files)
    assert {title_of(recipe) for recipe in RECIPES} <= set(playbook.rules)


def test_a_place_that_exists_gets_the_version_and_keeps_everything_else() -> None:
    before = first_files()
    addition = add_recipe(find_recipe("paid-search-match"), before)
    assert list(addition.new) == ["rules/paid-search-match.yaml"]
    assert addition.versions == (("slots/home-hero.yaml", "Campaign match"),)
    after = addition.extended["slots/home-hero.yaml"]
    kept = [line for line in before["slots/home-hero.yaml"].splitlines() if line in after.splitlines()]
    assert kept == before["slots/home-hero.yaml"].splitlines()
    versions = yaml.safe_load(after)["variants"]
    assert set(versions) == {"Category promise", "Campaign match"}
    assert set(versions["Campaign match"]) == {"headline", "text"}


def test_a_rule_that_is_there_is_not_added_again() -> None:
    with pytest.raises(BadRequestError, match="in this playbook already"):
        add_recipe(find_recipe("category-returner"), first_files())


def test_a_file_about_something_else_is_never_written_over() -> None:
    files = first_files() | {"rules/welcome.yaml": "rule: Mine\nwhen: a visitor bought\nhide: offer bar\n"}
    with pytest.raises(BadRequestError, match=r"rules/welcome\.yaml already"):
        add_recipe(find_recipe("welcome"), files)


def test_a_playbook_that_does_not_check_is_left_alone() -> None:
    with pytest.raises(PlaybookError):
        add_recipe(find_recipe("welcome"), first_files() | {"rules/mine.yaml": "rule: Mine\n"})


def test_versions_that_cannot_be_added_by_themselves_are_refused_with_the_way_out() -> None:
    hero = "slot: home hero\nfallback:\n  headline: Hi\nvariants: {Category promise: {headline: Hi}}\n"
    with pytest.raises(BadRequestError, match="a line each"):
        add_recipe(find_recipe("welcome"), first_files() | {"slots/home-hero.yaml": hero})


def test_an_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(NotFoundError, match='did you mean "welcome"'):
        find_recipe("welcom")


def test_a_shop_without_orders_is_told_what_a_recipe_waits_for() -> None:
    by_name = {ready.name: ready for ready in list_ready_rules({}, frozenset({"Product Added"}))}
    assert by_name["cart-saved"].missing == ("Order Completed",)
    assert by_name["quiet-in-support"].missing == ()
