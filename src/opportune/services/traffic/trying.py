"""Trying: one rule made ready to be decided for again: the programme in which it is live, and where it acts.

It is taken as live for everybody, without its test; all others act as they do now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from opportune.core.conditions.base import Check
from opportune.core.lasting import lasting
from opportune.core.metrics import Metric
from opportune.core.moment import DAY
from opportune.core.playbook import Playbook
from opportune.core.playbook_files.folder import read_playbook
from opportune.core.playbook_files.form import nearest
from opportune.core.programme import Place, Programme
from opportune.core.rule import Rule, RunState
from opportune.core.traffic.varying import Variation, variations_of
from opportune.errors import NotFoundError
from opportune.services.house import House
from opportune.services.publishing import first_state
from opportune.services.standing import reading_house
from opportune.services.traffic.differing import Comparing
from opportune.services.traffic.imagining import imagine
from opportune.services.traffic.sampling import LANE_ORDER, Past
from opportune.storage.base import Storage

DAYS = 28
LOOKING_SECONDS, PATIENT_SECONDS = 0.5, 60.0
"""To find out whether a place was ever asked for, lane by lane: for a sample, and for a full answer."""
JUDGED_LANES = 16
SMALL_EVENTS = 150_000
"""Where more events than this were ever stored, it is worked out in so many lanes only who has each place in every
visit and what other numbers would do; in the others, for whom the rule acts."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which rule, of the published playbook or of files that are not published, and how far back."""

    rule: str
    files: Mapping[str, str] | None = None
    days: int = DAYS


class Trial:
    """One rule made ready: the programme in which it is live, where it acts, and what its condition is varied to."""

    def __init__(
        self,
        storage: Storage,
        now: int,
        asked: Asked,
        *,
        house: House | None = None,
        metrics: Sequence[Metric] = (),
        is_patient: bool = False,
    ) -> None:
        """`house`: one made ready for reading before; `metrics`: what its people's outcomes are counted by.

        `is_patient`: a place is looked for everywhere, however long that takes.
        """
        self.storage, self.now, self.asked = storage, now, asked
        self.house = house or reading_house(storage, now)
        self.metrics = metrics
        self.running = self.house.programme
        self.playbook = self.running.playbook if asked.files is None else read_playbook(asked.files)
        self.rule = find_rule(self.playbook, asked.rule)
        self.programme = as_live(self.playbook, self.rule, self.running, now)
        self.waits_for = next(
            (each.events for each in self.programme.waiting if each.rule == self.rule.name), ()
        )
        self.slots = tuple(
            name for name, place in self.programme.places.items() if acts_in(place, self.rule.name)
        )
        vocabulary = self.playbook.vocabulary
        self.variations: Sequence[Variation] = () if self.rule.lasts_ms else variations_of(self.rule.when)
        self.checks: list[Check] = [each.whole.compile(vocabulary) for each in self.variations]
        self.look_into = lasting(self.rule.name, self.rule.when.compile_whole(vocabulary), self.rule.lasts_ms)
        looking = PATIENT_SECONDS if is_patient else LOOKING_SECONDS
        self.wanted = imagine(storage, self.slots, now - asked.days * DAY, seconds=looking)
        self.check = lasting(self.rule.name, self.rule.when.compile(vocabulary), self.rule.lasts_ms)
        is_small = sum(count for _, _, count in storage.list_seen_events().values()) <= SMALL_EVENTS
        is_judged = is_small or self.rule.until_at is not None
        self.judged = frozenset(LANE_ORDER if is_judged else LANE_ORDER[:JUDGED_LANES])
        self.past = Past(storage, now, self.house.shelf)
        signals = vocabulary.signals
        self.needs_device = any(
            name not in signals or signals[name].source == "session"
            for name in self.rule.when.needs(vocabulary).signals
        )
        is_running = self.playbook.revision == self.running.revision
        self.comparing = Comparing(self.house, self.past) if is_running else None

    def only_reach(self) -> Trial:
        """Counts for whom the rule acts, and nothing beside it: the same people, sooner."""
        self.comparing, self.variations, self.checks = None, (), []
        return self


def find_rule(playbook: Playbook, name: str) -> Rule:
    """By its name, however it is capitalized. Raises NotFoundError that offers the nearest."""
    found = {each.casefold(): rule for each, rule in playbook.rules.items()}.get(name.casefold())
    if found is None:
        right = nearest(name, playbook.rules)
        raise NotFoundError(what=f"The rule “{name}”{f' ({right})' if right else ''}")
    return found


def as_live(playbook: Playbook, rule: Rule, running: Programme, now: int) -> Programme:
    """A programme in which the rule is live for everybody, untested; the others act as they do."""
    untested = msgspec.structs.replace(rule, test=None)
    tried = msgspec.structs.replace(playbook, rules={**playbook.rules, rule.name: untested})
    states = {
        name: running.run_states.get(name) or first_state(other, playbook.behaviours.get(name, ""), now, "")
        for name, other in playbook.rules.items()
    }
    states[rule.name] = RunState(rule=rule.name, behaviour=playbook.behaviours.get(rule.name, ""))
    return Programme(tried, states, running.seen_events)


def acts_in(place: Place, rule: str) -> bool:
    """Whether a rule shows or hides something in a place."""
    showings = (*place.showings, *(each for _, by in place.index for found in by.values() for each in found))
    contents = (place.normal, *(showing.content for showing in showings))
    hidings = (each for content in contents for each in (*content.hidings, *content.always_hidings))
    acting = (*(each.acting for each in showings), *(each.acting for each in hidings))
    return any(each.rule == rule for each in acting)
