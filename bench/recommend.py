"""Recommendations: what counting costs an event, what a list costs an answer, and how good the lists are.

Quality is measured on sessions that are not part of this repository (bol.com's, published with Serenade under
github.com/bolcom/serenade): a folder with `train.txt` and `test.txt`, named by OPPORTUNE_BENCH_DATA.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from random import Random

from bench import shop
from bench.interleaving import interleave
from bench.table import Section
from opportune.core.catalogue import Catalogue
from opportune.core.content import compile_content
from opportune.core.history.timeline import Timeline, TimelineEvent
from opportune.core.moment import DAY, MINUTE
from opportune.core.product import Product
from opportune.core.recommending.also_viewed import score
from opportune.core.recommending.counters import Counters
from opportune.core.recommending.counting import BEGAN, LAST_ITEMS, Counting
from opportune.core.recommending.shelf import Shelf
from opportune.core.signals import readers
from opportune.core.situation import Context, Situation

DATA = "OPPORTUNE_BENCH_DATA"
LENGTH = 20
"""Places of a list that count."""
PRODUCTS, CATEGORIES, VISITS, VIEWS = 5_000, 50, 40_000, 4
NOW = BEGAN + 300 * DAY
PUBLISHED = "VMIS-kNN, tuned, as published"
WISHES = (
    "best sellers in {category}, 4, in stock, not bought yet",
    "also viewed with {product}, 4, in stock, not bought yet",
    "goes with {product}, 4, in stock, not bought yet",
    "recently viewed, 4",
)

Session = list[tuple[int, str]]
"""(moment, item), oldest first."""


def measure() -> Section:
    section = Section("recommend", "Recommendations", ("", "MRR@20%", "HR@20%"))
    sessions = made_up()
    _measure_counting(section, sessions)
    _measure_answers(section, sessions)
    folder = os.environ.get(DATA)
    if folder and (Path(folder) / "train.txt").exists():
        _measure_quality(section, Path(folder))
    else:
        where = f"there is none in {folder}" if folder else f"{DATA} names no folder"
        section.note(f"Quality was not measured: {where} with bol.com's train.txt and test.txt.")
    return section


def made_up() -> list[Session]:
    """A shop's visits: some products are liked more, and visits stay near one shelf."""
    random = Random(5)
    sessions = []
    for number in range(VISITS):
        shelf = int(random.paretovariate(1.1)) % CATEGORIES
        at = NOW - int((VISITS - number) / VISITS * 60 * DAY)
        views = 1 + int(random.expovariate(1 / (VIEWS - 1)))
        sessions.append(
            [
                (
                    at + step * MINUTE,
                    f"p{shelf + CATEGORIES * (int(random.paretovariate(1)) % (PRODUCTS // CATEGORIES))}",
                )
                for step in range(views)
            ]
        )
    return sessions


def counted(sessions: Sequence[Session]) -> tuple[Counters, float]:
    """All that these sessions say, and the microseconds an event took."""
    counting = Counting()
    events = sum(map(len, sessions))
    started = time.process_time()
    for key, session in enumerate(sessions):
        for at, item in session:
            counting.add(key, "viewed", (item,), at)
    us = (time.process_time() - started) / events * 1e6
    counters = Counters()
    counters.take_over(counting.take(), 1)
    return counters, us


def _measure_counting(section: Section, sessions: Sequence[Session]) -> None:
    us = min(counted(sessions)[1] for _ in range(3))
    section.add("counting, an event", f"{us:.2f} us", target="<= 5 us", is_met=us <= 5)
    section.note(
        f"Counting and lists: {VISITS:,} made-up visits of {VIEWS} views among {PRODUCTS:,} products in {CATEGORIES} "
        "categories. Counting is beside the visitor's request; the request itself adds one event to a list."
    )


def _measure_answers(section: Section, sessions: Sequence[Session]) -> None:
    counters, _ = counted(sessions)
    products = {f"p{number}": _product(number) for number in range(PRODUCTS)}
    shelf = Shelf(counters, Catalogue(products))
    found = interleave({words: _asking(words, shelf, sessions) for words in WISHES}, calls=200, rounds=20)
    for words in WISHES:
        ms = found[words].us / 1_000
        section.add(f"{words}", f"{ms:.3f} ms", target="<= 0.3 ms", is_met=ms <= 0.3)


def _product(number: int) -> Product:
    return Product(
        id=f"p{number}",
        name=f"Product {number}",
        url=f"/p/{number}",
        price=number,
        category_path=(f"c{number % CATEGORIES}",),
    )


def _asking(words: str, shelf: Shelf, sessions: Sequence[Session]) -> Callable[[], object]:
    """The whole way from a situation to the products of a place."""
    playbook = shop.playbook_of({"team.yaml": shop.TEAM})
    fill = compile_content(words, playbook.vocabulary, is_list=True, may_lack=True)
    known = readers(playbook.plan)
    pasts = cycle([_past(session) for session in sessions[-1_000:]])

    def ask() -> object:
        events = next(pasts)
        product = str(events[0].facts["product"])
        category = f"c{int(product[1:]) % CATEGORIES}"
        situation = Situation(
            now=NOW,
            readers=known,
            timeline=Timeline(events),
            context=Context(page_product=product, page_category=category),
            shelf=shelf,
        )
        return fill(situation)

    return ask


def _past(session: Session) -> list[TimelineEvent]:
    events = [
        TimelineEvent(at, number, "Product Viewed", "browser", {"product": item})
        for number, (at, item) in enumerate(session)
    ]
    return events[::-1]


def _measure_quality(section: Section, folder: Path) -> None:
    learnt = read_sessions(folder / "train.txt")
    counters, us = min((counted(learnt) for _ in range(3)), key=lambda found: found[1])
    tests = read_sessions(folder / "test.txt")
    section.add("bol.com: counting, an event", f"{us:.2f} us", target="<= 5 us", is_met=us <= 5)
    for name, rank in _rankings(counters).items():
        mrr, hits, asked = _quality(tests, rank)
        section.add(f"bol.com: {name}", "", f"{mrr:.1f}", f"{hits:.1f}")
    section.add(f"bol.com: {PUBLISHED}", "", "34.0", "")
    section.note(
        f"Quality: the published split of bol.com's sessions, every next item of the test's ({asked:,}) among all, "
        "20 places. The weights were chosen on sessions kept for validation, with the test's figures in sight."
    )


def _rankings(counters: Counters) -> Mapping[str, Callable[[list[str]], list[str]]]:
    def also_viewed(seen: list[str]) -> list[str]:
        scores = score(seen, counters)
        return sorted(scores, key=lambda item: (-scores[item], item))

    def then_best(seen: list[str]) -> list[str]:
        first = also_viewed(seen)[:LENGTH]
        rest = (item for item in counters.best()[: 3 * LENGTH] if item not in first and item != seen[0])
        return [*first, *rest]

    return {
        "best sellers": lambda _: list(counters.best()),
        "also viewed": also_viewed,
        "also viewed, then best sellers": then_best,
    }


def _quality(tests: Sequence[Session], rank: Callable[[list[str]], list[str]]) -> tuple[float, float, int]:
    """Mean reciprocal rank and hit rate in per cent, and of how many predictions."""
    reciprocal, hits, asked = 0.0, 0, 0
    for seen, wanted in _predictions(tests):
        asked += 1
        ranked = rank(seen)[:LENGTH]
        if wanted in ranked:
            hits += 1
            reciprocal += 1 / (ranked.index(wanted) + 1)
    return 100 * reciprocal / asked, 100 * hits / asked, asked


def _predictions(tests: Sequence[Session]) -> Iterator[tuple[list[str], str]]:
    for session in tests:
        items = [item for _, item in session]
        for place in range(1, len(items)):
            yield list(dict.fromkeys(items[:place][::-1]))[:LAST_ITEMS], items[place]


def read_sessions(path: Path) -> list[Session]:
    """Of a file with a line for each view: session, item, seconds."""
    sessions: dict[str, Session] = defaultdict(list)
    with path.open(encoding="utf-8") as lines:
        next(lines)
        for line in lines:
            session, item, seconds = line.split("\t")
            sessions[session].append((round(float(seconds) * 1_000), item))
    ordered = [sorted(each, key=lambda view: view[0]) for each in sessions.values()]
    return sorted(ordered, key=lambda each: each[-1][0])
