"""Advising: the ready rules as they stand beside a shop's own playbook, and how one is taken over into it.

How many people a recipe would reach is `estimating.py`'s work; writing the files the command line's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

import msgspec
import yaml

from opportune.core.language.phrases.hide import describe_hide
from opportune.core.language.sentence import describe
from opportune.core.playbook import Playbook
from opportune.core.playbook_files.folder import PLAN, TEAM, Checked, check_files, read_playbook
from opportune.core.playbook_files.form import nearest
from opportune.core.rule import Rule
from opportune.core.slot import slot_id
from opportune.core.waiting import missing_events
from opportune.errors import BadRequestError, NotFoundError, PlaybookError
from opportune.recipes import RECIPES, Recipe, team_file

_VARIANTS = re.compile(r"^variants:[ \t]*(?:#.*)?$", re.MULTILINE)


class ReadyRule(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A recipe in the words of a shop's own plan: what it does, where, and which events it lives from."""

    name: str
    title: str
    when: str
    does: str
    hides: bool
    places: tuple[str, ...]
    needs: tuple[str, ...]
    missing: tuple[str, ...]
    """Of these, the events never seen here."""
    feels: str
    purpose: str
    counts: str
    """What a test of it counts; empty where it needs none."""
    is_added: bool
    """Whether a rule of that name is in the published playbook."""


class Addition(msgspec.Struct, frozen=True, kw_only=True):
    """What taking a recipe over writes: new files by path, and files that get a version more."""

    rule: str
    new: Mapping[str, str]
    extended: Mapping[str, str]
    versions: tuple[tuple[str, str], ...] = ()
    """(path, version) for each of the extended ones."""
    places: tuple[str, ...] = ()

    @property
    def files(self) -> dict[str, str]:
        return {**self.new, **self.extended}


def find_recipe(name: str) -> Recipe:
    """By its name. Raises NotFoundError that offers the nearest."""
    by_name = {recipe.name: recipe for recipe in RECIPES}
    recipe = by_name.get(slot_id(name))
    if recipe is None:
        right = nearest(name, by_name)
        raise NotFoundError(what=f"A recipe “{name}”{f' ({right})' if right else ''}")
    return recipe


def all_recipes(own: Mapping[str, str]) -> Playbook:
    """Every recipe in one playbook, with the shop's own team and plan where they can be read.

    One, as its grammar is built once: that takes longer than everything else about them.
    """
    files: dict[str, str] = {}
    for recipe in RECIPES:
        for path, text in recipe.files().items():
            files[path] = _with_versions(path, files[path], text, ())[0] if path in files else text
    shared = {path: own[path] for path in (TEAM, PLAN) if path in own}
    try:
        return _compiled(tuple({TEAM: team_file(), **shared, **files}.items()))
    except PlaybookError:
        return _compiled(tuple({TEAM: team_file(), **files}.items()))


@lru_cache(maxsize=2)
def _compiled(files: tuple[tuple[str, str], ...]) -> Playbook:
    return read_playbook(dict(files))


def list_ready_rules(own: Mapping[str, str], seen: frozenset[str]) -> list[ReadyRule]:
    """All recipes beside a shop's files (none: a shop that begins) and the names of the events it has seen."""
    titles, playbook = _titles_in(own), all_recipes(own)
    return [_ready(recipe, playbook, seen, titles) for recipe in RECIPES]


def _ready(recipe: Recipe, playbook: Playbook, seen: frozenset[str], titles: frozenset[str]) -> ReadyRule:
    files = recipe.files()
    rule = playbook.rules[title_of(recipe)]
    vocabulary = playbook.vocabulary
    return ReadyRule(
        name=recipe.name,
        title=rule.name,
        when=describe(rule.when, vocabulary),
        does=f"hides {describe_hide(rule.hide)}" if rule.hide else _shown(rule, playbook),
        hides=bool(rule.hide),
        places=tuple(playbook.slots[place].title for place in _places_in(files)),
        needs=missing_events(rule.when, vocabulary, frozenset()) or ("Page Viewed",),
        missing=missing_events(rule.when, vocabulary, seen),
        feels=recipe.feels,
        purpose=rule.purpose,
        counts=rule.test.metric if rule.test is not None else "",
        is_added=rule.name in titles,
    )


def title_of(recipe: Recipe) -> str:
    """The name of its one rule."""
    return next(iter(_titles_in(recipe.files())))


def _titles_in(files: Mapping[str, str]) -> frozenset[str]:
    return frozenset(
        str(document.get("rule", ""))
        for path, text in files.items()
        if path.startswith("rules/")
        for document in _documents(text)
    )


def _documents(text: str) -> Iterator[dict[str, object]]:
    try:
        yield from (found for found in yaml.safe_load_all(text) if isinstance(found, dict))
    except yaml.YAMLError:
        return


# -- taking one over ------------------------------------------------------------------------------


def add_recipe(recipe: Recipe, own: Mapping[str, str]) -> Addition:
    """What is to be written so that a playbook has the rule and everything it names. Changes nothing that is there.

    Raises BadRequestError where that cannot be done by itself, PlaybookError where the playbook does not check.
    """
    checked = check_files(own)
    if checked.playbook is None:
        raise PlaybookError([problem for problem in checked.problems if not problem.is_warning])
    files, title = recipe.files(), title_of(recipe)
    if title in checked.playbook.rules:
        raise BadRequestError(wrong=f"The rule “{title}” is in this playbook already.")
    new: dict[str, str] = {}
    extended: dict[str, str] = {}
    versions: list[tuple[str, str]] = []
    for path, text in files.items():
        place = _place_in(text) if path.startswith("slots/") else ""
        if place in checked.playbook.slots:
            there = _path_of(place, own)
            longer, added = _with_versions(there, own[there], text, checked.playbook.slots[place].fields)
            if added:
                extended[there] = longer
                versions += [(there, version) for version in added]
        elif path in own:
            raise BadRequestError(wrong=f"There is a file {path} already, which is about something else.")
        else:
            new[path] = text
    addition = Addition(
        rule=title,
        new=new,
        extended=extended,
        versions=tuple(versions),
        places=_places_in(files),
    )
    _check(check_files({**own, **addition.files}), recipe)
    return addition


def _check(checked: Checked, recipe: Recipe) -> None:
    if checked.playbook is None:
        first = next(problem for problem in checked.problems if not problem.is_warning)
        wrong = f"{recipe.name} does not fit this playbook by itself: {first}"
        raise BadRequestError(
            wrong=f"{wrong}. See `opportune recipes show {recipe.name}`, and take over by hand."
        )


def _places_in(files: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(_place_in(text) for path, text in files.items() if path.startswith("slots/"))


def _place_in(text: str) -> str:
    return next((slot_id(str(found.get("slot", ""))) for found in _documents(text)), "")


def _path_of(place: str, own: Mapping[str, str]) -> str:
    """The file of a place that exists. Raises BadRequestError where it shares its file with others."""
    for path, text in own.items():
        places = [slot_id(str(found.get("slot", ""))) for found in _documents(text)]
        if path.startswith("slots/") and place in places:
            if len(places) > 1:
                raise BadRequestError(wrong=f"{path} holds several places; give each a file, then add again.")
            return path
    raise BadRequestError(wrong=f"The file of the place {place} cannot be found.")


def _with_versions(
    path: str, text: str, recipe_text: str, fields: tuple[str, ...]
) -> tuple[str, tuple[str, ...]]:
    """The file with the recipe's versions in it, and which were not there before; the rest stays as it is."""
    known = next(_documents(text), {}).get("variants") or {}
    offered = next(_documents(recipe_text), {}).get("variants") or {}
    if not isinstance(known, dict) or not isinstance(offered, dict):
        raise BadRequestError(wrong=f"{path}: its versions cannot be read.")
    wanted = {name: _fitting(content, fields) for name, content in offered.items() if name not in known}
    if not wanted:
        return text, ()
    block = "".join(_indented(name, content) for name, content in wanted.items())
    heading = _VARIANTS.search(text)
    if heading is not None:
        end = heading.end()
        return f"{text[:end]}\n{block.rstrip()}{text[end:]}", tuple(wanted)
    if known:
        raise BadRequestError(wrong=f"{path}: write its versions a line each, then add again.")
    return f"{text.rstrip()}\n\nvariants:\n{block}", tuple(wanted)


def _fitting(content: object, fields: tuple[str, ...]) -> object:
    if not isinstance(content, dict) or not fields:
        return content
    return {name: value for name, value in content.items() if name in fields}


def _indented(name: str, content: object) -> str:
    written = yaml.safe_dump({name: content}, sort_keys=False, allow_unicode=True, width=200)
    return "".join(f"  {line}\n" for line in written.splitlines())


def _shown(rule: Rule, playbook: Playbook) -> str:
    return ", ".join(
        f"shows “{action.variant}” in {playbook.slots[action.slot].title}" for action in rule.show
    )
