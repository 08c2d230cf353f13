"""The programme: a playbook together with its run state, compiled into what deciding walks through.

Everything that does not depend on the visitor is worked out here, once per publish or operator's act:
which rules act in which slot and in which order, which hiding rules concern which content, and which
rules wait because events they depend on were never seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from opportune.core.allocation import BUCKETS, IN, OUT, Arms, Bounds, bounds_of
from opportune.core.conditions.base import Check
from opportune.core.content import compile_content, is_varied, placeholders_of
from opportune.core.equality import equality_of
from opportune.core.exposed import Exposed, ExposedByArm, Subject
from opportune.core.history.key import key_of
from opportune.core.history.standard_plan import STANDARD_PLAN
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.lasting import lasting
from opportune.core.playbook import Playbook
from opportune.core.rule import NOT_IF_END, PROGRAMME, TREATMENT, Hide, Limits, Rule, RunState
from opportune.core.signals import SIGNALS, readers
from opportune.core.signals.base import Reading
from opportune.core.signals.stage import stage_signal
from opportune.core.situation import Situation
from opportune.core.slot import Fill, Slot
from opportune.core.team import Team
from opportune.core.waiting import missing_events

ACTING = frozenset({"preview", "share", "live"})
INDEX_FROM = 8
"""Slots with fewer rules than this are walked; with more, rules behind one equality are looked up."""


class Acting(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A rule that acts now, as deciding needs it: closures and plain values, no look-ups left."""

    rule: str
    behaviour: str
    check: Check
    not_if: Check | None
    not_if_name: str
    is_bounded: bool
    """Whether any of preview, end, exception or share has to be looked at besides the condition."""
    is_preview: bool
    share: int
    seed: str
    phase: int
    arms: Arms
    bounds: Bounds
    limits: Limits | None
    until_at: int
    is_always: bool
    signals: tuple[str, ...]
    """Signals whose confidence must be high before a bold version is shown."""


class Hiding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A hiding rule with the one product it is narrowed to, if any."""

    acting: Acting
    product: str
    product_name: str
    product_events: tuple[str, ...]
    exposed: ExposedByArm


class Content(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A variant, or a slot's normal content: how to fill it, and what may hide it."""

    name: str
    fill: Fill
    is_bold: bool
    always_hidings: tuple[Hiding, ...]
    hidings: tuple[Hiding, ...]


class Showing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A rule's content in one slot; `order` is its place among the slot's rules."""

    order: int
    acting: Acting
    content: Content
    limits_name: str
    exposed: ExposedByArm


class Place(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A slot ready to be decided."""

    slot: Slot
    normal: Content
    hidden: Fill
    showings: tuple[Showing, ...]
    page_types: frozenset[str] = frozenset()
    """Kinds of pages that change its answer by being looked at; `*` for any page."""
    index: tuple[tuple[str, Mapping[Any, tuple[Showing, ...]]], ...] = ()
    """By signal name, then by its value: showings that need that equality. `showings` then holds the rest."""
    is_varied: bool = False
    """Whether even its normal content differs by visitor."""

    @property
    def is_personalized(self) -> bool:
        """Whether any rule acts here, or the content names what we know, so that answers are one visitor's own."""
        content = self.normal
        return bool(
            self.is_varied or self.showings or self.index or content.hidings or content.always_hidings
        )


class Waiting(msgspec.Struct, frozen=True):
    """A rule that is launched but does not act yet, and the events never seen that it waits for."""

    rule: str
    events: tuple[str, ...]


class Programme:
    """Everything we personalize. Immutable; `with_seen` and `with_run` give new ones."""

    __slots__ = (
        "consent_events",
        "holdout",
        "holdout_phase",
        "is_off",
        "places",
        "playbook",
        "previewers",
        "readers",
        "revision",
        "run_states",
        "seen_events",
        "signals",
        "team",
        "waiting",
    )

    def __init__(
        self,
        playbook: Playbook,
        run_states: Mapping[str, RunState] | None = None,
        seen_events: frozenset[str] = frozenset(),
        *,
        is_off: bool = False,
    ) -> None:
        self.playbook = playbook
        self.team = playbook.team
        self.run_states = dict(run_states or {})
        self.seen_events = seen_events
        self.is_off = is_off
        self.revision = playbook.revision
        self.readers = _readers(playbook)
        self.previewers = frozenset(
            key
            for name in playbook.team.previewers
            for key in (key_of("user", name), key_of("anonymous", name))
        )
        """By key, so that somebody named by user id is one on every device they signed in on."""
        self.consent_events = playbook.plan.names_of("Consent Updated")
        held_out = playbook.team.holdout
        kept = self.run_states.get(PROGRAMME)
        self.holdout_phase = kept.phase if kept is not None else 1
        """Another share of the control group is another phase; arms given before stand."""
        self.holdout: Bounds = bounds_of(((OUT, held_out), (IN, BUCKETS - held_out))) if held_out else ()
        builder = _Builder(playbook, self.run_states, seen_events)
        self.places: Mapping[str, Place] = {
            name: builder.place(slot) for name, slot in playbook.slots.items()
        }
        self.signals: Mapping[str, frozenset[str]] = builder.signals
        """By acting rule: every signal its conditions ask for."""
        self.waiting: tuple[Waiting, ...] = tuple(builder.waiting)

    def with_seen(self, names: frozenset[str]) -> Programme:
        """The programme once these events were seen too; itself when no rule waits for less then."""
        seen, rules, vocabulary = self.seen_events | names, self.playbook.rules, self.playbook.vocabulary
        if all(
            missing_events(rules[waiting.rule].when, vocabulary, seen) == waiting.events
            for waiting in self.waiting
        ):
            self.seen_events = seen
            return self
        return Programme(self.playbook, self.run_states, seen, is_off=self.is_off)

    def with_run(self, run_states: Mapping[str, RunState], *, is_off: bool) -> Programme:
        """The programme after an operator's act."""
        return Programme(self.playbook, run_states, self.seen_events, is_off=is_off)


def empty_programme() -> Programme:
    """What decides before any playbook was published: every slot is unknown."""
    plan = STANDARD_PLAN
    vocabulary = Vocabulary(plan=plan, signals={signal.name: signal for signal in SIGNALS})
    return Programme(Playbook(revision="", team=Team(), plan=plan, vocabulary=vocabulary, slots={}, rules={}))


def _readers(playbook: Playbook) -> Mapping[str, Callable[[Situation], Reading]]:
    found = dict(readers(playbook.plan))
    checks = [(stage.name, stage.when.compile(playbook.vocabulary)) for stage in playbook.stages]
    signal = stage_signal(checks)
    found[signal.name] = signal.read
    return found


class _Builder:
    """Compiles the slots of one programme; each rule's condition is compiled once."""

    def __init__(self, playbook: Playbook, run_states: Mapping[str, RunState], seen: frozenset[str]) -> None:
        self.playbook = playbook
        self.waiting: list[Waiting] = []
        self.acting: dict[str, Acting] = {}
        self.signals: dict[str, frozenset[str]] = {}
        for rule in playbook.rules.values():
            state = run_states.get(rule.name)
            if state is None or state.state not in ACTING:
                continue
            missing = missing_events(rule.when, playbook.vocabulary, seen)
            if missing and not state.may_act_unseen:
                self.waiting.append(Waiting(rule.name, missing))
                continue
            self.acting[rule.name] = self._act(rule, state)
            self.signals[rule.name] = frozenset(
                name
                for condition in (rule.when, rule.not_if)
                if condition is not None
                for name in condition.needs(playbook.vocabulary).signals
            )
        self.hides = [
            (hide, self.acting[rule.name])
            for rule in playbook.rules.values()
            if rule.name in self.acting
            for hide in rule.hide
        ]

    def _act(self, rule: Rule, state: RunState) -> Acting:
        vocabulary = self.playbook.vocabulary
        arms = rule.test.arms if rule.test is not None and not rule.always else ()
        return Acting(
            rule=rule.name,
            behaviour=self.playbook.behaviours.get(rule.name, ""),
            check=lasting(rule.name, rule.when.compile(vocabulary), rule.lasts_ms),
            not_if=rule.not_if.compile(vocabulary) if rule.not_if is not None else None,
            not_if_name=rule.name + NOT_IF_END,
            is_bounded=bool(
                state.state == "preview"
                or rule.until_at is not None
                or rule.not_if is not None
                or state.share < BUCKETS
            ),
            is_preview=state.state == "preview",
            share=state.share,
            seed=state.seed,
            phase=state.phase,
            arms=arms,
            bounds=bounds_of(arms),
            limits=rule.limits if rule.limits != Limits() else None,
            until_at=rule.until_at if rule.until_at is not None else 0,
            is_always=rule.always,
            signals=tuple(sorted(rule.when.needs(vocabulary).signals)),
        )

    def place(self, slot: Slot) -> Place:
        showings = self._showings(slot)
        rest, index = _indexed(showings, self.playbook)
        return Place(
            slot=slot,
            is_varied=is_varied(slot.fallback, is_list=slot.type == "list"),
            normal=self._content("", slot.fallback, slot, is_bold=False, tags=slot.tags),
            hidden=self._fill(slot.hidden, slot, "/ hidden", may_lack=True),
            showings=rest,
            page_types=self._page_types(slot, showings),
            index=index,
        )

    def _page_types(self, slot: Slot, showings: list[Showing]) -> frozenset[str]:
        """Of everything that may have a say in this slot: its rules, what hides it, and its texts."""
        signals = self.playbook.vocabulary.signals
        found = {showing.acting.rule for showing in showings}
        variants = [
            variant for variant in slot.variants if variant.name in {each.content.name for each in showings}
        ]
        tags = slot.tags.union(*(variant.tags for variant in variants))
        types: set[str] = set()
        for hide, acting in self.hides:
            if hide.tag in tags or hide.slot == slot.name:
                found.add(acting.rule)
                types |= {"*"} if hide.product else set()
        for value in (slot.hidden, *(variant.value for variant in variants)):
            for _, gap in placeholders_of(value):
                types |= signals[gap.signal].page_types if gap.signal in signals else set()
        return frozenset(types).union(*(self._looks(name) for name in found))

    def _looks(self, rule: str) -> frozenset[str]:
        """The kinds of pages a rule's conditions look at, by themselves or in the stages they name."""
        written, playbook = self.playbook.rules[rule], self.playbook
        conditions = [written.when, *([written.not_if] if written.not_if is not None else [])]
        if "stage" in self.signals[rule]:
            conditions += [stage.when for stage in playbook.stages]
        return frozenset().union(*(each.needs(playbook.vocabulary).page_types for each in conditions))

    def _showings(self, slot: Slot) -> list[Showing]:
        by_rule = {
            rule.name: action.variant
            for rule in self.playbook.rules.values()
            if rule.name in self.acting
            for action in rule.show
            if action.slot == slot.name
        }
        listed = [name for name in slot.rules if name in by_rule]
        showings: list[Showing] = []
        for name in [*listed, *sorted(set(by_rule) - set(listed))]:
            variant = slot.find_variant(by_rule[name])
            if variant is None:
                continue
            content = self._content(
                variant.name,
                variant.value,
                slot,
                is_bold=variant.intensity == "bold",
                tags=slot.tags | variant.tags,
            )
            acting = self.acting[name]
            showings.append(
                Showing(
                    order=len(showings),
                    acting=acting,
                    content=content,
                    limits_name=f"{name}/limits/{slot.name}",
                    exposed=_exposed("rule", slot, acting),
                )
            )
        return showings

    def _content(self, name: str, value: Any, slot: Slot, *, is_bold: bool, tags: frozenset[str]) -> Content:
        hidings = [
            self._hiding(hide, acting, slot)
            for hide, acting in self.hides
            if hide.tag in tags or hide.slot == slot.name
        ]
        return Content(
            name=name,
            fill=self._fill(value, slot, name, may_lack=not name),
            is_bold=is_bold,
            always_hidings=tuple(hiding for hiding in hidings if hiding.acting.is_always),
            hidings=tuple(hiding for hiding in hidings if not hiding.acting.is_always),
        )

    def _fill(self, value: Any, slot: Slot, name: str, *, may_lack: bool) -> Fill:
        return compile_content(
            value,
            self.playbook.vocabulary,
            name=f"{slot.name}/{name}",
            is_list=slot.type == "list",
            may_lack=may_lack,
        )

    def _hiding(self, hide: Hide, acting: Acting, slot: Slot) -> Hiding:
        event = {"bought": "Order Completed", "viewed": "Product Viewed"}.get(hide.product, "")
        return Hiding(
            acting=acting,
            product=hide.product,
            product_name=f"{acting.rule}/product {hide.product}",
            product_events=self.playbook.plan.names_of(event) if event else (),
            exposed=_exposed("hide", slot, acting),
        )


def _exposed(subject: Subject, slot: Slot, acting: Acting) -> ExposedByArm:
    untested = Exposed(subject, slot.name, acting.rule, acting.behaviour, TREATMENT)
    return ExposedByArm(untested, acting.arms)


def _indexed(
    showings: list[Showing], playbook: Playbook
) -> tuple[tuple[Showing, ...], tuple[tuple[str, Mapping[Any, tuple[Showing, ...]]], ...]]:
    """Splits a long list of rules into those behind an equality, by signal and value, and the rest."""
    if len(showings) < INDEX_FROM:
        return tuple(showings), ()
    rest: list[Showing] = []
    index: dict[str, dict[Any, list[Showing]]] = {}
    for showing in showings:
        rule = playbook.rules[showing.acting.rule]
        equality = None if rule.lasts_ms else equality_of(rule.when)
        if equality is None:
            rest.append(showing)
        else:
            signal, value = equality
            index.setdefault(signal, {}).setdefault(value, []).append(showing)
    frozen = tuple(
        (signal, {value: tuple(found) for value, found in by_value.items()})
        for signal, by_value in index.items()
    )
    return tuple(rest), frozen
