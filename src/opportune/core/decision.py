"""Deciding: what one slot shows one visitor now, and why. A pure function of situation and programme.

The full candidate first, then the gates, each of which may replace it and leaves its finding:
everything off, the rules in order, consent, always-rules, preview, the programme's control group,
hidden by a rule, the experiment's arm, limits. Findings are remembered in the situation under a
name, so a rule in two places is checked once and a recorded situation decides again the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any, Literal

import msgspec

from opportune.core.allocation import BUCKETS, OUT, Bounds, arm_at, bucket_of, is_covered
from opportune.core.conditions.comparing import as_text
from opportune.core.exposed import EXPOSED_TO_PROGRAMME, Exposed
from opportune.core.finding import Finding
from opportune.core.history.timeline import TimelineEvent
from opportune.core.moment import DAY
from opportune.core.programme import Acting, Content, Hiding, Place, Programme, Showing
from opportune.core.rule import CONTROL, Limits
from opportune.core.situation import Assignment, Situation
from opportune.core.slot import UnfilledError
from opportune.core.visitor.consent import PERSONALIZE, answer_of

Reason = Literal["TARGETING_MATCH", "SPLIT", "DEFAULT", "DISABLED", "ERROR"]
"""OpenFeature's words; ours travel in the receipt."""

Outcome = Literal["shown", "hidden", "normal", "off", "error", "bot"]

Verdict = Literal[
    "matched", "no match", "not if", "ended", "preview only", "outside the share", "not sure enough", "no value",
    "control", "limited", "hidden", "other product", "shown", "no id", "later",
]  # fmt: skip
"""How far one rule came in one slot."""

SETTLED: frozenset[Verdict] = frozenset(
    {"no match", "not if", "ended", "preview only", "outside the share", "control", "no id"}
)
"""What is said of the rule and not of one of its actions: whatever it would do here, it does not."""

Step = tuple[str, Verdict, str]
"""(rule, verdict, detail): the detail is an arm, a missing signal, or empty."""

CONSENT_GATE = "/consent"
"""Its finding's name, which no rule has."""
HELD = Finding(True, near=1.0)
FAILED = Finding(False)


class Decision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The answer for one slot, whole: what, which version, why, and what is to be recorded for it."""

    slot: str
    value: Any
    variant: str
    reason: Reason
    outcome: Outcome
    rule: str = ""
    gate: str = ""
    """What replaced the candidate last: `off`, `consent`, `always`, `holdout`, `hidden`, `control`, `limits`."""
    error_code: str = ""
    holds_until: int | None = None
    """The earliest moment this could change without a new event (ms)."""
    exposures: tuple[Exposed, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    steps: tuple[Step, ...] = ()


def decide(place: Place, situation: Situation, programme: Programme) -> Decision:
    """What this slot shows this visitor. Raises whatever a broken rule raises; the caller answers `fault`."""
    context = situation.context
    if programme.is_off:
        return _unasked(place, situation, "DISABLED", "off")
    if context.is_machine:
        return _unasked(place, situation, "DEFAULT", "bot")
    candidates = iter(_looked_up(place, situation) if place.index else place.showings)
    walk = _Walk(place, situation, programme, candidates, context.is_preview)
    showing = walk.next_match()
    may_be_refused = (
        programme.team.needs_consent
        or context.purposes is not None
        or situation.traits
        or situation.timeline.events
        or CONSENT_GATE in situation.findings
    )
    held_by = ""
    if may_be_refused and not walk.may_personalize():
        held_by = "consent"
    elif programme.holdout and not walk.is_previewer and walk.is_held_out():
        held_by = "holdout"
    if held_by and not (showing is not None and showing.acting.is_always):
        showing = walk.next_always(showing, held_by)
    while True:
        content = place.normal if showing is None else showing.content
        hidings = content.always_hidings
        if hidings and (hiding := walk.hidden_by(hidings)) is not None:
            return walk.hide(hiding, showing, "always")
        hidings = content.hidings
        if hidings and not held_by and (hiding := walk.hidden_by(hidings)) is not None:
            return walk.hide(hiding, showing, "hidden")
        if showing is None:
            return walk.normal()
        decision = walk.show(showing)
        if decision is not None:
            return decision
        showing = walk.next_always(None, held_by) if held_by else walk.next_match()


def _unasked(place: Place, situation: Situation, reason: Reason, outcome: Outcome) -> Decision:
    """Normal content, without asking any rule."""
    is_off = outcome == "off"
    return Decision(
        slot=place.slot.name,
        value=place.normal.fill(situation),
        variant="" if is_off else "normal",
        reason=reason,
        outcome=outcome,
        gate="off" if is_off else "",
    )


def survey(place: Place, situation: Situation, programme: Programme, decision: Decision) -> Decision:
    """The decision with a step for every other rule that acts in this slot, as why-nots need it."""
    walk = _Walk(place, situation, programme, iter(()), situation.context.is_preview)
    asked = {name for name, _, _ in decision.steps}
    steps = list(decision.steps)
    everything = [showing for _, by_value in place.index for found in by_value.values() for showing in found]
    everything += place.showings
    for showing in sorted(everything, key=attrgetter("order")):
        if showing.acting.rule not in asked:
            verdict = walk.verdict(showing.acting)
            steps.append((showing.acting.rule, "later" if verdict == "shown" else verdict, ""))
    for hiding in (*place.normal.always_hidings, *place.normal.hidings):
        if hiding.acting.rule not in asked:
            verdict = walk.verdict(hiding.acting)
            steps.append((hiding.acting.rule, "later" if verdict == "shown" else verdict, ""))
    return msgspec.structs.replace(decision, steps=tuple(steps))


def note_shown(decision: Decision, situation: Situation) -> None:
    """Products this place shows now, for the places of the same answer that come after it."""
    variant = "" if decision.variant == "normal" and not decision.rule else decision.variant
    content = f"{decision.slot}/{variant}"
    for name, given in situation.lists.items():
        if name == content or name.startswith(f"{content}/"):
            situation.shown.update(each.product["id"] for each in given)


def fault(place: Place | None, slot: str, situation: Situation, error_code: str) -> Decision:
    """The answer when something failed: normal content, reason ERROR."""
    value = None
    if place is not None:
        try:
            value = place.normal.fill(situation)
        except Exception:  # noqa: BLE001 - whatever failed, the page still gets an answer
            value = None
    return Decision(
        slot=slot, value=value, variant="", reason="ERROR", outcome="error", error_code=error_code
    )


class _Walk(msgspec.Struct, gc=False):
    """One slot's way from candidate to answer; collects exposures, assignments and steps."""

    place: Place
    situation: Situation
    programme: Programme
    candidates: Iterator[Showing]
    is_previewer: bool
    gate: str = ""
    holds_until: int | None = None
    exposures: tuple[Exposed, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    steps: tuple[Step, ...] = ()

    def next_always(self, candidate: Showing | None, gate: str) -> Showing | None:
        """Who did not agree, and the control group, get nothing but always-rules: the next of them that matches."""
        self._note_match(candidate)
        self.gate = gate
        self.candidates = (showing for showing in self.candidates if showing.acting.is_always)
        return self.next_match()

    def show(self, showing: Showing) -> Decision | None:
        """The answer with a matching rule's content, unless its own gates say no: confidence, content, test, limits."""
        acting, content, arm = showing.acting, showing.content, ""
        if content.is_bold and not self._is_sure(acting):
            return self._pass_over(acting, "not sure enough", "")
        try:
            value = content.fill(self.situation)
        except UnfilledError as error:
            return self._pass_over(acting, "no value", error.signal)
        if self.is_previewer:
            return self._answer(value, content.name, acting, "shown", "preview")
        if acting.bounds:
            given = self._assigned(acting.seed, acting.phase, acting.bounds)
            if given is None:
                return self._pass_over(acting, "no id", "")
            arm = given
        if acting.limits is not None and self._is_limited(showing, acting.limits):
            self.gate = "limits"
            return self._pass_over(acting, "limited", arm)
        self.exposures += (showing.exposed[arm],)
        if arm == CONTROL:
            self.gate = "control"
            return self._pass_over(acting, "control", arm)
        return Decision(
            slot=self.place.slot.name,
            value=value,
            variant=content.name,
            reason="SPLIT" if acting.bounds else "TARGETING_MATCH",
            outcome="shown",
            rule=acting.rule,
            gate=self.gate,
            holds_until=self.holds_until,
            exposures=self.exposures,
            assignments=self.assignments,
            steps=(*self.steps, (acting.rule, "shown", arm)),
        )

    def _pass_over(self, acting: Acting, verdict: Verdict, detail: str) -> Decision | None:
        """Why a rule that came first does not show its content after all; the next one is asked."""
        self.steps += ((acting.rule, verdict, detail),)
        return None

    # -- candidates -------------------------------------------------------------------------

    def next_match(self) -> Showing | None:
        """The next rule in the slot's order that matches; those passed over leave a step."""
        findings = self.situation.findings
        for showing in self.candidates:
            acting = showing.acting
            if acting.is_bounded:
                verdict = self.verdict(acting)
            else:  # the usual rule, without the calls
                finding = findings.get(acting.rule)
                if finding is None:
                    finding = findings[acting.rule] = acting.check(self.situation)
                if finding.holds_until is not None:
                    self._hold(finding.holds_until)
                if finding.held:
                    return showing
                verdict = "no match"
            if verdict == "shown":
                return showing
            self.steps += ((acting.rule, verdict, ""),)
        return None

    def verdict(self, acting: Acting) -> Verdict:
        """Whether a rule matches at all: its condition, and for those that have them preview, end, exception, share."""
        situation = self.situation
        if acting.is_bounded and (bound := self._bound(acting)) is not None:
            return bound
        finding = situation.findings.get(acting.rule)
        if finding is None:
            finding = situation.findings[acting.rule] = acting.check(situation)
        self._hold(finding.holds_until)
        if not finding.held:
            return "no match"
        return self._exception(acting) if acting.is_bounded else "shown"

    def _bound(self, acting: Acting) -> Verdict | None:
        if acting.is_preview and not self.is_previewer:
            return "preview only"
        if acting.until_at:
            if self.situation.now >= acting.until_at:
                return "ended"
            self._hold(acting.until_at)
        return None

    def _exception(self, acting: Acting) -> Verdict:
        situation = self.situation
        if acting.not_if is not None:
            finding = situation.findings.get(acting.not_if_name)
            if finding is None:
                finding = situation.findings[acting.not_if_name] = acting.not_if(situation)
            self._hold(finding.holds_until)
            if finding.held:
                return "not if"
        if acting.share < BUCKETS and not self.is_previewer and not self._is_in_share(acting):
            return "outside the share"
        return "shown"

    def _is_in_share(self, acting: Acting) -> bool:
        """A person in the test is in or out on every device alike, as the first one was."""
        kept, unit = self.situation.assignments.get(acting.seed), self.situation.unit
        if kept is not None and kept.place_in_share >= 0:
            return kept.place_in_share < acting.share
        return unit is not None and is_covered(acting.seed, unit.id, acting.share)

    def _is_sure(self, acting: Acting) -> bool:
        readings = self.situation.read
        return all(readings(name).confidence == "high" for name in acting.signals)

    # -- gates ------------------------------------------------------------------------------

    def may_personalize(self) -> bool:
        """What the visitor said, else the team's default; only what was said leaves a finding."""
        programme, findings = self.programme, self.situation.findings
        finding = findings.get(CONSENT_GATE)
        if finding is None:
            answer = answer_of(self.situation, PERSONALIZE, programme.consent_events)
            if answer is None:
                return not programme.team.needs_consent
            finding = findings[CONSENT_GATE] = HELD if answer else FAILED
        return finding.held

    def is_held_out(self) -> bool:
        """The programme's control group; both sides are exposed, and an arm once given stands."""
        programme = self.programme
        arm = self._assigned(programme.team.holdout_seed, programme.holdout_phase, programme.holdout)
        if arm is None:
            return False
        self.exposures += (EXPOSED_TO_PROGRAMME[arm],)
        return arm == OUT

    def _assigned(self, experiment: str, phase: int, bounds: Bounds) -> str | None:
        """The unit's arm: the one given before, else by its bucket; None for a request without an id."""
        situation = self.situation
        kept = situation.assignments.get(experiment)
        if kept is not None:
            return kept.arm
        unit = situation.unit
        if unit is None:
            return None
        arm = arm_at(bucket_of(experiment, unit.id), bounds)
        self.assignments += (Assignment(experiment, arm, phase, unit.key),)
        return arm

    def hidden_by(self, hidings: tuple[Hiding, ...]) -> Hiding | None:
        """The first hiding rule that matches and, if it is tested, whose arm hides."""
        for hiding in hidings:
            acting = hiding.acting
            if any(name == acting.rule and given in SETTLED for name, given, _ in self.steps):
                continue
            verdict, detail = self.verdict(acting), ""
            if verdict == "shown":
                verdict, detail = self._effect(hiding)
            others = tuple(step for step in self.steps if step[:2] != (acting.rule, "other product"))
            self.steps = (*others, (acting.rule, verdict, detail))
            if verdict == "hidden":
                return hiding
        return None

    def _effect(self, hiding: Hiding) -> tuple[Verdict, str]:
        """What a matching hiding rule does: its product, then its test; with the arm where it does not hide."""
        acting = hiding.acting
        if hiding.product and not self._is_product(hiding):
            return "other product", ""
        if self.is_previewer:
            return "hidden", ""
        arm = self._assigned(acting.seed, acting.phase, acting.bounds) if acting.arms else ""
        if arm is None:
            return "no id", ""
        self.exposures += (hiding.exposed[arm],)
        return ("control", arm) if arm == CONTROL else ("hidden", "")

    def _is_product(self, hiding: Hiding) -> bool:
        """Whether the product of this page is one the visitor bought, carted or viewed."""
        situation = self.situation
        finding = situation.findings.get(hiding.product_name)
        if finding is None:
            product = situation.context.page_product
            held = bool(product) and _is_of_product(hiding, product, situation)
            finding = situation.findings[hiding.product_name] = Finding(held, (product,), float(held))
        return finding.held

    def _is_limited(self, showing: Showing, limits: Limits) -> bool:
        findings, name = self.situation.findings, showing.limits_name
        finding = findings.get(name)
        if finding is None:
            rule, slot = showing.acting.rule, self.place.slot.name
            finding = findings[name] = _limit(rule, limits, slot, self.situation)
        self._hold(finding.holds_until)
        return finding.held

    def _hold(self, until: int | None) -> None:
        """The answer may be another one from this moment on."""
        if until is not None and (self.holds_until is None or until < self.holds_until):
            self.holds_until = until

    # -- answers ----------------------------------------------------------------------------

    def hide(self, hiding: Hiding, showing: Showing | None, gate: str) -> Decision:
        self._note_match(showing)
        self.gate = gate
        value = self.place.hidden(self.situation)
        return self._answer(value, "hidden", hiding.acting, "hidden", None)

    def _note_match(self, showing: Showing | None) -> None:
        """The candidate matched, but a gate replaced it before its own gates were asked."""
        if showing is not None:
            self._pass_over(showing.acting, "matched", "")

    def normal(self) -> Decision:
        """Normal content; a test's control or the control group is given it by the split, not for want of a rule."""
        return Decision(
            slot=self.place.slot.name,
            value=self.place.normal.fill(self.situation),
            variant="normal",
            reason="SPLIT" if self.gate in ("control", "holdout") else "DEFAULT",
            outcome="normal",
            gate=self.gate,
            holds_until=self.holds_until,
            exposures=self.exposures,
            assignments=self.assignments,
            steps=self.steps,
        )

    def _answer(
        self,
        value: Any,
        variant: str,
        acting: Acting,
        outcome: Literal["shown", "hidden"],
        detail: str | None,
    ) -> Decision:
        """What a rule gives; `detail` completes its step where it has none yet."""
        steps = self.steps
        return Decision(
            slot=self.place.slot.name,
            value=value,
            variant=variant,
            reason="SPLIT" if acting.bounds else "TARGETING_MATCH",
            outcome=outcome,
            rule=acting.rule,
            gate=self.gate,
            holds_until=self.holds_until,
            exposures=self.exposures,
            assignments=self.assignments,
            steps=steps if detail is None else (*steps, (acting.rule, outcome, detail)),
        )


def _looked_up(place: Place, situation: Situation) -> Sequence[Showing]:
    """The slot's rules, less those that an equality already rules out."""
    found = list(place.showings)
    for signal, by_value in place.index:
        value = situation.read(signal).value
        for item in value if isinstance(value, list) else (value,):
            found.extend(by_value.get(as_text(item), ()))
    found.sort(key=attrgetter("order"))
    return found


def _is_of_product(hiding: Hiding, product: str, situation: Situation) -> bool:
    if hiding.product == "in cart":
        return product in (situation.value("cart items") or ())
    return any(_names_product(event, product) for event in situation.timeline.named(hiding.product_events))


def _names_product(event: TimelineEvent, product: str) -> bool:
    named = event.facts.get("product")
    return product in named if isinstance(named, list) else named == product


def _limit(rule: str, limits: Limits, slot: str, situation: Situation) -> Finding:
    """Whether a limit is reached: visits in which it was given, or a dismissal not long enough ago.

    The visit that is going on never counts, so that nothing disappears in the middle of it.
    """
    if limits.at_most is not None:
        days = limits.at_most_days
        since = situation.now - int(days * DAY) if days is not None else 0
        current = situation.visit.id if situation.visit is not None else None
        given = {
            past.session: past.first_at
            for past in situation.exposures
            if past.rule == rule
            and past.slot == slot
            and past.arm != CONTROL
            and past.first_at >= since
            and past.session != current
        }
        if len(given) >= limits.at_most:
            until = min(given.values()) + int(days * DAY) + 1 if days is not None and given else None
            return Finding(True, ("given", len(given), limits.at_most), 1.0, until)
    if limits.not_after_dismissed_days is not None:
        days = limits.not_after_dismissed_days
        since = situation.now - int(days * DAY) if days else 0
        for event in situation.timeline.named(("Slot Dismissed",)):
            if event.occurred_at < since:
                break
            if event.facts.get("slot") == slot:
                until = event.occurred_at + int(days * DAY) + 1 if days else None
                return Finding(True, ("dismissed", event.occurred_at), 1.0, until)
    return FAILED


__all__ = [
    "Content",
    "Decision",
    "Exposed",
    "Outcome",
    "Reason",
    "Step",
    "Verdict",
    "decide",
    "fault",
    "survey",
]
