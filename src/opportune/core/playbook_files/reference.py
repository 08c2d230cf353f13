"""Renders `docs/reference/playbook.md` from the fields that are read, so that the page cannot fall behind."""

# ruff: noqa: E501 - prose keeps the lines it has on the page

from __future__ import annotations

from collections.abc import Sequence

from opportune.core.playbook_files.check import MOST_LIVE
from opportune.core.playbook_files.form import Field
from opportune.core.playbook_files.placement import PLACEMENT_FIELDS
from opportune.core.playbook_files.plan import EVENT_FIELDS, PLAN_FIELDS, PROPERTY_FIELDS
from opportune.core.playbook_files.rule import RULE_FIELDS
from opportune.core.playbook_files.slot import SLOT_FIELDS, VARIANT_FIELDS
from opportune.core.playbook_files.stages import STAGE_FIELDS
from opportune.core.playbook_files.team import INHERITED, TEAM_FIELDS
from opportune.core.playbook_files.yaml_text import MAX_FILE_CHARACTERS
from opportune.core.recommending import RECOMMENDERS
from opportune.core.recommending.wish import MOST, USUAL_COUNT

START = f"""\
# The playbook's files

*Made from the code by `python tools/write_reference.py`; a test fails when it is stale.*

A playbook is a folder: `team.yaml`, `plan.yaml`, `stages.yaml`, `slots/*.yaml` and `rules/*.yaml`. None of them is needed
but what the others name. Anything else in the folder (a README, drawings) is not read. `opportune check DIR` lists every
problem at once, with file, line, field, what is wrong and what would be right; `opportune publish DIR --data DIR` makes it run.
`opportune schema` prints JSON Schema for editors.

The files are YAML without its surprises: words are words (`yes` is a text until a field asks for yes or no), a field stands
once, and there are no tabs, tags, anchors or references. A text that begins with `{{`, or holds a colon and a space, goes in
quotes. A file has at most {MAX_FILE_CHARACTERS:,} characters.
"""
RULES_NOTE = f"""\
A file holds one rule, or several separated by `---`. `when` and `not if` take a sentence (see
[conditions](conditions.md)) or its structured form, `{{kind: count, ...}}`; `hide`, `limits` and `test` likewise.
{", ".join(INHERITED[:-1])} and {INHERITED[-1]} are needed for every rule and inherited from `team.yaml` where it says nothing.
`hide` names a tag, a place, or `everything marked promo or upsell`; `discount for a product they bought` narrows it to
that product. More than {MOST_LIVE} rules launched at once are warned about.

A rule's state (live, a share, paused, rolled back) is kept apart from the file: `launch` says only how it first starts. What
changes a rule's behaviour (condition, what it shows and hides, limits, test) cannot be published while its test runs,
unless a new test is asked for with `--new-test`. Purpose, people and dates may change at any time.
"""
SLOTS_NOTE = """\
A version is its content, any JSON value that fits the place's type; for an object the fields may stand beside `intensity`
and `tags`, otherwise the content stands under `content`. Texts may name a signal, `{category}`, or one with a default,
`{category|new}`; without a default, and while nothing is known, the version is not shown. `{{` and `}}` are braces. Fields
whose names end in link, url, image, href or src hold addresses: what is filled into them is quoted, and in HTML only relative
and http(s) addresses are followed.

A place's name on the wire has letters, digits and `._-` only: `home hero` is `home-hero`. Both names may be written in rules.
Places of type number or yes/no always have a value: hidden, they show their fallback unless `hidden` says otherwise.
"""
PLACEMENT_NOTE = (
    "For shops that the page script fills. A field without its own line in `put` goes to "
    'the element with `data-field="its name"`: texts as text, a link as `href`, an image as `src`.'
)
CONTENT_NOTE = """\
Money is filled in as `€49.90`, lists as `a, b and c`, durations as `3 days`, dates as `12 November`.
"""


LISTS_NOTE = f"""\
A field whose name ends in products, items or recommendations may name products instead of listing them, and so may the whole
content of a place of type list, and a rule under `show`. After the list come, with commas, how many (1 to {MOST}, else
{USUAL_COUNT}), `in stock`, `not bought yet`, `not viewed yet`, `not shown already`. `{{product}}` is the product of the page, else the one
looked at last. Where fewer are left fewer are given; with none the version is not shown, and normal content has an empty list.
Each product has `id`, `name`, `url`, and where known `image`, `price`, and `was` while it costs less.
"""


def playbook_page() -> str:
    """`docs/reference/playbook.md`, whole."""
    sections = [
        START,
        _section("Rules: `rules/*.yaml`", RULE_FIELDS, RULES_NOTE),
        _section("Places: `slots/*.yaml`", SLOT_FIELDS, SLOTS_NOTE),
        _section("A version of a place", VARIANT_FIELDS, CONTENT_NOTE),
        _section("A place's `page`", PLACEMENT_FIELDS, PLACEMENT_NOTE),
        _lists(),
        _section("The team: `team.yaml`", TEAM_FIELDS),
        _section(
            "Events: `plan.yaml`",
            PLAN_FIELDS,
            "The standard events of Segment's spec are known without it.\n",
        ),
        _section("An event", EVENT_FIELDS),
        _section("A property", PROPERTY_FIELDS),
        _section(
            "Stages: `stages.yaml`",
            STAGE_FIELDS,
            "A list; the first stage that holds is where somebody is.\n",
        ),
    ]
    return "\n".join(sections)


def _section(title: str, fields: Sequence[Field], note: str = "") -> str:
    rows = "".join(f"| {_name(field)} | {field.meaning} | {_example(field)} |\n" for field in fields)
    return f"## {title}\n\n{note}{chr(10) if note else ''}| field | what it is for | example |\n|---|---|---|\n{rows}"


def _lists() -> str:
    rows = "".join(f"| **{each.name}** | {each.meaning} | `{each.examples[-1]}` |\n" for each in RECOMMENDERS)
    return f"## Lists of products\n\n{LISTS_NOTE}\n| words | what it lists | example |\n|---|---|---|\n{rows}"


def _name(field: Field) -> str:
    return f"**{field.name}** (needed)" if field.is_required else f"**{field.name}**"


def _example(field: Field) -> str:
    return f"`{field.example}`" if field.example else ""
