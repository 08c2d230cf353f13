"""Deciding over HTTP, against a plain endpoint that reads the same rows: nothing to record, and two new exposures."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench import shop
from bench.load import Connection, Felt, Load, put_load, tool
from bench.machine import describe_pinning
from bench.serving import Serving, serve_bare, serve_opportune
from bench.table import Section

ROUNDS = 5
FIRST_ROUNDS = 3
SECONDS = 2.0
CONNECTIONS = 16
HALF_LOAD_CONNECTIONS = 64
BEFORE = '{"anonymousId":"3f6c1e90-5b7d-4c0e-9a55-'
AFTER = (
    '","slots":["home-hero","offer-bar"],"context":{"page":{"url":"https://shop.example/",'
    '"path":"/","referrer":"https://www.google.com/"},"locale":"en-GB"}}'
)


def load_on(path: str, *, first: int = 0, is_sequential: bool = False, visitors: int = shop.VISITORS) -> Load:
    return Load(path, shop.SECRET_KEY, BEFORE, AFTER, first, visitors, is_sequential)


def measure() -> Section:
    section = Section(
        "http",
        "`POST /v1/decide` over HTTP",
        ("requests/s", "x bare", "x bare that writes", "CPU us", "p50 ms", "p99 ms"),
    )
    folder = shop.filled_folder()
    playbook = shop.write_playbook(shop.KEPT / "ten-conditions", shop.TEN_CONDITIONS)
    _measure_nothing_new(section, folder, playbook)
    _measure_first_decisions(section, folder, playbook)
    section.note(
        f"2 places, 10 conditions, {shop.EVENTS_EACH} events a visitor, {shop.VISITORS:,} visitors drawn uniformly; "
        f"{CONNECTIONS} connections, load by {tool()}. {describe_pinning()}"
    )
    section.note(
        "Bare: Starlette, msgspec, uvicorn with uvloop and httptools; the same file, an answer of the same size. It "
        "reads the rows a decision reads (timeline, exposures, opportunities, assignments, traits), a plain SELECT a "
        "table, or the timeline alone. The one that writes hands two exposures to a writer thread with grouped durable "
        "commits, and like ours its answer does not wait. A first decision of ours leaves eight rows."
    )
    section.note(
        f"At half load: {HALF_LOAD_CONNECTIONS} connections that think for a random while between requests."
    )
    return section


def _measure_nothing_new(section: Section, folder: Path, playbook: Path) -> None:
    with serve_opportune(folder, playbook) as ours, serve_bare(folder) as bare:
        ask_everybody(ours)
        forms = {"bare": (bare, "/read"), "timeline": (bare, "/timeline"), "ours": (ours, "/v1/decide")}
        felt = _take_turns(forms, ROUNDS)
        ratio = median(one.rate / other.rate for one, other in zip(felt["ours"], felt["bare"], strict=True))
        rates = {name: median(each.rate for each in found) for name, found in felt.items()}
        half = put_load(
            ours.port,
            load_on("/v1/decide"),
            seconds=4,
            connections=HALF_LOAD_CONNECTIONS,
            rate=rates["ours"] / 2,
        )
    _check(*felt["ours"], *felt["bare"], half)
    section.add("bare: the same rows, and JSON", *_figures(felt["bare"], 1.0))
    section.add(
        "bare: the timeline alone, and JSON", *_figures(felt["timeline"], rates["timeline"] / rates["bare"])
    )
    section.add(
        "decide, nothing new to record",
        *_figures(felt["ours"], ratio),
        target=">= 0.80x",
        is_met=ratio >= 0.8,
    )
    section.add(
        "the same at half load",
        *(f"{half.rate:,.0f}", "", "", "", f"{half.p50:.2f}", f"{half.p99:.2f}"),
        target="p99 < 5 ms",
        is_met=half.p99 < 5,
    )


def _measure_first_decisions(section: Section, folder: Path, playbook: Path) -> None:
    """Everybody is asked for once: every request leaves two new exposures. Each round begins with none."""
    felt: dict[str, list[Felt]] = {name: [] for name in ("bare", "two rows", "all rows", "ours", "half")}
    for number in range(FIRST_ROUNDS):
        shop.forget_records(folder)
        with serve_bare(folder) as bare:
            for name, path in (("bare", "/read"), ("two rows", "/read-and-write"), ("all rows", "/all-rows")):
                felt[name].append(_saturate(bare, load_on(path, is_sequential=True)))
        shop.forget_records(folder)
        with serve_opportune(folder, playbook) as ours:
            found = _saturate(ours, load_on("/v1/decide", is_sequential=True))
            felt["ours"].append(found)
            if number == FIRST_ROUNDS - 1:
                rate = min(found.rate / 2, (shop.VISITORS - found.requests) / 4)
                felt["half"].append(
                    put_load(
                        ours.port,
                        load_on("/v1/decide", first=found.requests + CONNECTIONS, is_sequential=True),
                        seconds=3,
                        connections=HALF_LOAD_CONNECTIONS,
                        rate=rate,
                    )
                )
    _check(*(each for found in felt.values() for each in found))
    rates = {name: median(each.rate for each in found) for name, found in felt.items()}
    to_bare = rates["ours"] / rates["bare"]
    to_two, to_all = rates["ours"] / rates["two rows"], rates["ours"] / rates["all rows"]
    section.add(
        "bare that writes two exposures", *_figures(felt["two rows"], rates["two rows"] / rates["bare"], 1.0)
    )
    section.add(
        "bare that writes all rows of a first decision",
        *_figures(felt["all rows"], rates["all rows"] / rates["bare"]),
    )
    section.add(
        "decide, two new exposures",
        *_figures(felt["ours"], to_bare, to_two),
        target=">= 0.25x, 0.75x",
        is_met=to_bare >= 0.25 and to_two >= 0.75,
    )
    half = felt["half"][0]
    section.add(
        "the same at half load",
        *(f"{half.rate:,.0f}", "", "", "", f"{half.p50:.2f}", f"{half.p99:.2f}"),
        target="p99 < 10 ms",
        is_met=half.p99 < 10,
    )
    section.note(f"Against the bare endpoint that writes all the same rows: {to_all:.2f}x.")


def _take_turns(forms: dict[str, tuple[Serving, str]], rounds: int) -> dict[str, list[Felt]]:
    felt: dict[str, list[Felt]] = {name: [] for name in forms}
    for name, (serving, path) in forms.items():
        put_load(serving.port, load_on(path), seconds=1, connections=CONNECTIONS)
        felt[name].clear()
    for number in range(rounds):
        order = list(forms.items())
        for name, (serving, path) in order if number % 2 else reversed(order):
            felt[name].append(_saturate(serving, load_on(path)))
    return felt


def _saturate(serving: Serving, load: Load) -> Felt:
    before = serving.cpu_seconds()
    felt = put_load(serving.port, load, seconds=SECONDS, connections=CONNECTIONS)
    return replace(felt, cpu_us=(serving.cpu_seconds() - before) / felt.requests * 1e6)


def ask_everybody(serving: Serving) -> None:
    """Once for each visitor, so that nothing is left to record."""

    async def ask(numbers: range) -> None:
        connection = await Connection(serving.port, shop.SECRET_KEY).open()
        for number in numbers:
            status, body = await connection.post("/v1/decide", f"{BEFORE}{number:012d}{AFTER}".encode())
            assert status == 200, body
            assert b'"reason":"SPLIT"' in body or b'"variant":"normal"' in body, body
        connection.close()

    async def ask_all() -> None:
        await asyncio.gather(*(ask(range(start, shop.VISITORS, 16)) for start in range(16)))

    asyncio.run(ask_all())


def _figures(found: list[Felt], to_bare: float, to_writing: float | None = None) -> tuple[str, ...]:
    return (
        f"{median(each.rate for each in found):,.0f}",
        f"{to_bare:.2f}",
        "" if to_writing is None else f"{to_writing:.2f}",
        f"{median(each.cpu_us for each in found):.0f}",
        f"{median(each.p50 for each in found):.2f}",
        f"{median(each.p99 for each in found):.2f}",
    )


def _check(*found: Felt) -> None:
    errors = sum(each.errors for each in found)
    if errors:
        raise RuntimeError(f"{errors} requests failed")
