"""Concluding: the answer of a backtest from what was counted, scaled up to everybody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from opportune.core.history.key import LANES
from opportune.core.language.sentence import describe
from opportune.core.moment import DAY
from opportune.core.playbook_files.rule_text import does_of
from opportune.core.traffic.backtest import Backtest, Missing, PlaceTested, Threshold, Unseen, Winner
from opportune.core.traffic.scaled import Scaled, scale
from opportune.core.traffic.tally import Acted, Tally
from opportune.services.traffic.trying import Trial

MOST_MISSING = 5


def conclude(trial: Trial, tally: Tally) -> Backtest:
    """Scaled up to all visitors, with intervals where only some were counted."""
    fraction = tally.lanes / LANES if tally.lanes else 1.0
    judged = tally.judged / LANES if tally.judged else 1.0
    rule, playbook = trial.rule, trial.playbook
    days = max(1.0, min(trial.asked.days, (trial.now - (tally.oldest_at or trial.now)) / DAY))
    visits = max(tally.visits, 1)
    acted = tally.acted
    visits_acted = scale(acted.visits, _squared(acted), fraction)
    return Backtest(
        rule=rule.name,
        sentence=describe(rule.when, playbook.vocabulary),
        does=does_of(rule, playbook),
        revision=playbook.revision,
        is_draft=trial.comparing is None,
        waits_for=trial.waits_for,
        test=rule.test.metric if rule.test is not None else "",
        days=days,
        is_sampled=fraction < 1,
        looked_at=tally.visitors,
        visitors=round(tally.visitors / fraction),
        visits=round(tally.visits / fraction),
        machines=round(tally.machines / fraction),
        people=scale(acted.people, acted.people, fraction),
        people_a_day=scale(acted.days, acted.squares, fraction).per(days),
        share_of_visits=visits_acted.per(visits / fraction),
        at_first=tally.at_first / acted.visits if acted.visits else 0.0,
        places=tuple(_place(trial, tally, slot, fraction, judged) for slot in trial.slots),
        unseen=tuple(_unseen(tally, fraction)),
        missing=tuple(
            Missing(part=part, share=count / tally.looked_into)
            for part, count in tally.missing.most_common(MOST_MISSING)
        ),
        nearly=tally.nearly / tally.looked_into if tally.looked_into else 0.0,
        thresholds=tuple(
            Threshold(
                part=describe(each.part, playbook.vocabulary),
                sentence=describe(each.whole, playbook.vocabulary),
                people_a_day=_a_day(tally.varied.get(number, Acted()), judged, days),
            )
            for number, each in enumerate(trial.variations, 1)
        ),
        compared=tally.compared,
        causes=dict(tally.causes.most_common()),
        differences=tuple(tally.differences),
    )


def _squared(acted: Acted) -> float:
    """Visits of one visitor go together about as their days do."""
    return acted.visits * (acted.squares / acted.days) if acted.days else 0.0


def _a_day(acted: Acted, fraction: float, days: float) -> Scaled:
    return scale(acted.days, acted.squares, fraction).per(days)


def _place(trial: Trial, tally: Tally, slot: str, fraction: float, judged: float) -> PlaceTested:
    winners = tally.winners.get(slot, Counter())
    total = max(1, winners.total())
    return PlaceTested(
        slot=slot,
        title=trial.playbook.slots[slot].title or slot,
        is_estimated=slot in trial.wanted.imagined,
        winners=tuple(
            Winner(
                rule=name,
                visits=round(count / total * tally.visits / fraction),
                share=count / total,
                lost=round(tally.lost_to[name] / judged) if name else 0,
            )
            for name, count in winners.most_common()
        ),
    )


def _unseen(tally: Tally, fraction: float) -> Iterator[Unseen]:
    total = max(1, tally.visits)
    for reason, count in tally.reasons.most_common():
        said: str = reason
        if reason == "no value" and tally.details:
            said = f"no value for “{tally.details.most_common(1)[0][0]}”"
        yield Unseen(reason=said, visits=round(count / fraction), share=count / total)
