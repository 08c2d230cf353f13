"""`stages.yaml`: the ordered list of stages; the first whose condition holds is where somebody is."""

from __future__ import annotations

import msgspec

from opportune.core.playbook_files.form import TEXT, Field, Form
from opportune.core.playbook_files.rule import CONDITION, Sentences, read_condition
from opportune.core.playbook_files.yaml_text import Items, Node
from opportune.core.problem import Problem
from opportune.core.stage import Stage

STAGE_FIELDS = (
    Field("stage", "Its name.", TEXT, "Customer", is_required=True),
    Field(
        "when",
        "The condition, as a sentence or in its structured form.",
        CONDITION,
        "a visitor bought",
        is_required=True,
    ),
    Field("meaning", "What it means for the team."),
)


def open_stages(node: Node | None, file: str, problems: list[Problem]) -> list[Form]:
    """The stages' forms in order; their conditions are read once all names are known."""
    if node is None:
        return []
    if not isinstance(node, Items):
        problems.append(
            Problem(file, node.line, "", "a list of stages was expected", "write `- stage: Name`")
        )
        return []
    forms = [Form.of(item, STAGE_FIELDS, file, problems) for item in node.items]
    seen: dict[str, int] = {}
    found = []
    for form in forms:
        if form is None or "stage" not in form:
            continue
        name = form.text("stage").lower()
        if name in seen:
            form.wrong(
                "stage", f'two stages are called "{form.text("stage")}"', f"the first is in line {seen[name]}"
            )
            continue
        seen[name] = form.line_of("stage")
        found.append(form)
    return found


class StageDraft(msgspec.Struct, frozen=True):
    """A stage with its form, for checks that need the whole playbook."""

    stage: Stage
    form: Form


def read_stages(forms: list[Form], sentences: Sentences) -> list[StageDraft]:
    """The stages; one that looks at the stage itself would never end."""
    stages = []
    for form in forms:
        when = read_condition(form, "when", sentences)
        if when is None:
            continue
        if "stage" in when.needs(sentences.vocabulary).signals:
            form.wrong(
                "when", "a stage cannot depend on the stage somebody is in", "say what they did instead"
            )
            continue
        stage = Stage(name=form.text("stage"), when=when, meaning=form.text("meaning"))
        stages.append(StageDraft(stage, form))
    return stages
