"""A rule and a whole playbook as text again: canonical YAML for a rule, a document in Markdown for people."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from opportune.core.language.phrases.date import describe_last_day
from opportune.core.language.phrases.duration import describe_duration
from opportune.core.language.phrases.hide import describe_hide
from opportune.core.language.phrases.limits import describe_limits
from opportune.core.language.phrases.share import describe_share
from opportune.core.language.phrases.test import describe_test
from opportune.core.language.sentence import describe
from opportune.core.moment import DAY
from opportune.core.playbook import Playbook
from opportune.core.playbook_files.yaml_text import read_documents, to_json
from opportune.core.rule import Hide, Limits, Rule
from opportune.core.slot import Slot

Row = tuple[str, str]


def describe_rule(rule: Rule, playbook: Playbook) -> str:
    """The rule's file in canonical words; reading it gives the same rule. What the team gives is left out."""
    rows = [("rule", rule.name), *rows_of(rule, playbook)]
    rows += [(name, text) for name, text in _answers(rule) if name not in rule.inherited]
    lines = [f"{name}: {to_yaml(text)}" for name, text in rows]
    if rule.show:
        shown = [f"  {to_yaml(_title(playbook, show.slot))}: {to_yaml(show.variant)}" for show in rule.show]
        lines[2:2] = ["show:", *shown]
    return "\n".join(lines) + "\n"


def read_back(rule: Rule, playbook: Playbook, written: str = "") -> str:
    """A rule on one line as it was understood, with the sentence `written` where that says it in other words."""
    sentence = describe(rule.when, playbook.vocabulary)
    does = []
    if rule.show:
        shown = [f"{show.variant} in {_title(playbook, show.slot)}" for show in rule.show]
        does.append(f"shows {', '.join(shown)}")
    if rule.hide:
        does.append(f"hides {_hidden(rule, playbook)}")
    if rule.not_if is not None:
        does.append(f"not if {describe(rule.not_if, playbook.vocabulary)}")
    is_same = not written or _bare(written) == _bare(sentence)
    source = "" if is_same else f" (read from: {written})"
    understood = "; ".join([sentence, *does])
    return f'"{rule.name}": {understood}{source}'


def does_of(rule: Rule, playbook: Playbook) -> str:
    """`shows “Category promise” in Home hero`."""
    hidden = [f"hides {describe_hide(rule.hide)}"] if rule.hide else []
    shown = [f"shows “{each.variant}” in {_title(playbook, each.slot)}" for each in rule.show]
    return " and ".join((*shown, *hidden))


def _bare(sentence: str) -> str:
    return " ".join(sentence.casefold().split()).removesuffix(".")


def rows_of(rule: Rule, playbook: Playbook) -> Iterator[Row]:
    """What a rule does besides showing, field by field, in the order of the file."""
    vocabulary = playbook.vocabulary
    yield "when", describe(rule.when, vocabulary)
    if rule.hide:
        yield "hide", _hidden(rule, playbook)
    if rule.not_if is not None:
        yield "not if", describe(rule.not_if, vocabulary)
    yield from _limits(rule.limits)
    if rule.test is not None:
        yield "test", describe_test(rule.test)
    if rule.until_at is not None:
        yield "until", describe_last_day(rule.until_at, vocabulary.zone)
    if rule.lasts_ms:
        yield "lasts", describe_duration(rule.lasts_ms)
    if rule.always:
        yield "always", "yes"
    if rule.launch != "live":
        yield "launch", rule.launch


def _limits(limits: Limits) -> Iterator[Row]:
    most = msgspec.structs.replace(limits, not_after_dismissed_days=None)
    if limits.at_most is not None:
        yield "at most", describe_limits(most).removeprefix("at most ")
    days = limits.not_after_dismissed_days
    if days is not None:
        yield "not after dismissed", describe_duration(round(days * DAY)) if days else "yes"


def _answers(rule: Rule) -> tuple[Row, ...]:
    return (
        ("purpose", rule.purpose),
        ("owner", rule.owner),
        ("reviewer", rule.reviewer),
        ("safety limit", rule.safety),
        ("rollback", rule.rollback),
    )


def _title(playbook: Playbook, slot: str) -> str:
    found = playbook.slots.get(slot)
    return found.title or slot if found is not None else slot


def _hidden(rule: Rule, playbook: Playbook) -> str:
    return describe_hide(tuple(_with_title(hide, playbook) for hide in rule.hide))


def _with_title(hide: Hide, playbook: Playbook) -> Hide:
    return msgspec.structs.replace(hide, slot=_title(playbook, hide.slot)) if hide.slot else hide


def to_yaml(text: str) -> str:
    """A text as YAML writes it: plain where that reads back the same, in quotes where it would not."""
    if re.fullmatch(r"[^\s#&*!|>'\"%@`{}\[\],?:-][^\n#]*", text) and ": " not in text:
        documents, problems = read_documents("", f"x: {text}\n")
        if not problems and documents and to_json(documents[0]) == {"x": text}:
            return text
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")


def playbook_document(playbook: Playbook) -> str:
    """The whole playbook to read: every rule with its purpose and people, every place, every stage."""
    team = playbook.team
    control = f"{describe_share(team.holdout)} of visitors" if team.holdout else "none"
    parts = [
        f"# {team.name}: what we personalize",
        f"Revision {playbook.revision}. Times: {team.time_zone}. Money: {team.currency}. Control group: {control}.",
        "## Rules",
        *(_rule_section(rule, playbook) for rule in playbook.rules.values()),
        "## Places",
        *(_slot_section(slot) for slot in playbook.slots.values()),
    ]
    if playbook.stages:
        parts += ["## Stages", "The first that holds is where somebody is.", _stages(playbook)]
    parts += ["## Key events", _key_events(playbook)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _rule_section(rule: Rule, playbook: Playbook) -> str:
    rows: list[Row] = [("purpose", rule.purpose)] if rule.purpose else []
    rows += rows_of(rule, playbook)
    rows[2:2] = [("show", f"{show.variant} in {_title(playbook, show.slot)}") for show in rule.show]
    fallbacks = ", ".join(f"the normal {_title(playbook, show.slot)}" for show in rule.show)
    rows.append(("otherwise", fallbacks or "everything as usual"))
    rows += [(name, text) for name, text in _answers(rule) if name != "purpose"]
    return _table(f"### {rule.name}", [(name, _marked(name, text, rule)) for name, text in rows])


def _marked(name: str, text: str, rule: Rule) -> str:
    return f"{text} *(for all rules)*" if name in rule.inherited else text


def _slot_section(slot: Slot) -> str:
    rows: list[Row] = [("purpose", slot.purpose)] if slot.purpose else []
    rows.append(("on the wire", f"`{slot.name}`"))
    if slot.tags:
        rows.append(("marked", ", ".join(sorted(slot.tags))))
    rows.append(("normally", _content(slot.fallback)))
    rows.append(("hidden", _content(slot.hidden)))
    rows += [(f"version {variant.name}", _content(variant.value)) for variant in slot.variants]
    if slot.rules:
        rows.append(("rules, first wins", ", ".join(slot.rules)))
    return _table(f"### {slot.title or slot.name}", rows)


def _content(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_content(item)}" for name, item in value.items())
    return msgspec.json.encode(value).decode() if not isinstance(value, str) else value


def _stages(playbook: Playbook) -> str:
    lines = []
    for number, stage in enumerate(playbook.stages, 1):
        meaning = f" {stage.meaning}." if stage.meaning else ""
        lines.append(f"{number}. **{stage.name}**: {describe(stage.when, playbook.vocabulary)}.{meaning}")
    return "\n".join(lines)


def _key_events(playbook: Playbook) -> str:
    names = [event.name for event in playbook.plan.events.values() if event.is_key_event]
    return "\n".join(f"- {name}" for name in sorted(names))


def _table(title: str, rows: list[Row]) -> str:
    """A heading over two columns; bars and line ends inside texts are written so that they stay in their cell."""
    cells = [f"| {_cell(name)} | {_cell(text)} |" for name, text in rows]
    return "\n".join([title, "", "| | |", "|---|---|", *cells])


def _cell(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split())
