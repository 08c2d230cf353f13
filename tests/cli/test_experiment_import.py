"""Somebody else's test through the command line: the oracles' numbers, and errors that help."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
import tea_tasting as tt
from click.testing import CliRunner
from gbstats.frequentist.tests import SequentialConfig, SequentialTwoSidedTTest
from gbstats.models.statistics import SampleMeanStatistic
from tea_tasting.aggr import Aggregates
from tests.cli.test_json_names import names_in

from opportune.cli import opportune
from opportune.errors import OpportuneError

ORDERS, MONEY = "orders=bought:proportion", "revenue=paid:mean"


def write(
    folder: Path, header: Sequence[str], rows: Iterable[Sequence[object]], separator: str = ","
) -> Path:
    file = folder / "test.csv"
    with file.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, delimiter=separator)
        table.writerow(header)
        table.writerows(rows)
    return file


def analyse(file: Path, *arguments: str, control: str = "A") -> dict[str, Any]:
    result = CliRunner().invoke(
        opportune, command(file, *arguments, "--json", control=control), catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def command(file: Path, *arguments: str, control: str = "A") -> list[str]:
    named = ["--unit", "visitor", "--variant", "version", "--control", control]
    return ["experiment", "import", str(file), *named, *arguments]


def refusal(file: Path, *arguments: str, control: str = "A") -> str:
    with pytest.raises(OpportuneError) as refused:
        CliRunner().invoke(opportune, command(file, *arguments, control=control), catch_exceptions=False)
    return str(refused.value)


def visitors(versions: str, each: int, *, gain: float = 1.0) -> list[tuple[str, str, int, float, float]]:
    """Visitor, version, bought, paid in currency with cents, paid before."""
    rng = np.random.default_rng(3)
    rows = []
    for place, version in enumerate(versions):
        for visitor in range(each):
            before = round(float(rng.gamma(0.6, 40)), 2)
            paid = round(before * 0.7 + float(rng.gamma(0.5, 20)) * gain**place, 2)
            rows.append((f"{version}{visitor}", version, int(rng.random() < 0.2 * gain**place), paid, before))
    rng.shuffle(rows)
    return [(str(v), str(a), int(b), float(p), float(q)) for v, a, b, p, q in rows]


PAGE = Path(__file__).parents[2] / "docs" / "how" / "your-own-test.md"
HEADER = ("visitor", "version", "bought", "paid", "before")


def aggregates(rows: list[tuple[str, str, int, float, float]], version: str, column: int) -> Aggregates:
    y = np.array([row[column] for row in rows if row[1] == version], dtype=float)
    x = np.array([row[4] for row in rows if row[1] == version])
    return Aggregates(
        len(y),
        {"y": y.mean(), "x": x.mean()},
        {"y": y.var(ddof=1), "x": x.var(ddof=1)},
        {("x", "y"): np.cov(x, y)[0, 1]},
    )


def same(ours: dict[str, Any], theirs: Any) -> None:
    assert ours["difference"] == pytest.approx(theirs.effect_size, rel=1e-9)
    expected = [theirs.effect_size_ci_lower, theirs.effect_size_ci_upper]
    assert ours["interval"] == pytest.approx(expected, rel=1e-9)
    assert ours["p"] == pytest.approx(theirs.pvalue, rel=1e-9)
    expected = [theirs.rel_effect_size_ci_lower, theirs.rel_effect_size_ci_upper]
    assert ours["relativeInterval"] == pytest.approx(expected, rel=1e-9)


def test_three_arms_have_the_oracles_numbers(tmp_path: Path) -> None:
    rows = visitors("ABC", 900, gain=1.2)
    found = analyse(write(tmp_path, HEADER, rows), "--metric", ORDERS, "--metric", MONEY)
    assert found["arms"] == ["A", "B", "C"]
    oracle = tt.Mean("y", use_t=False, equal_var=False)
    for metric, column in ((0, 2), (1, 3)):
        told = found["metrics"][metric]
        for place, version in enumerate("BC"):
            ours = told["comparisons"][place]
            control, treatment = aggregates(rows, "A", column), aggregates(rows, version, column)
            same(ours, oracle.analyze_aggregates(control, treatment))
            assert told["arms"][place + 1] == {
                "arm": version,
                "n": 900,
                "mean": pytest.approx(treatment.mean("y"), rel=1e-12),
            }
            stats = [
                SampleMeanStatistic(
                    n=900,
                    sum=sum(row[column] for row in rows if row[1] == arm),
                    sum_squares=sum(row[column] ** 2 for row in rows if row[1] == arm),
                )
                for arm in ("A", version)
            ]
            config = SequentialConfig(difference_type="absolute", sequential_tuning_parameter=1_800)
            theirs = SequentialTwoSidedTTest(*stats, config).compute_result()
            assert ours["alwaysValid"]["interval"] == pytest.approx(theirs.ci, rel=1e-9)
            assert ours["alwaysValid"]["p"] == pytest.approx(theirs.p_value, rel=1e-9)


def test_a_number_from_before_removes_chance(tmp_path: Path) -> None:
    rows = visitors("AB", 1_500, gain=1.1)
    found = analyse(write(tmp_path, HEADER, rows), "--metric", MONEY, "--pre", "before")
    ours = found["metrics"][0]["comparisons"][0]
    control, treatment = aggregates(rows, "A", 3), aggregates(rows, "B", 3)
    same(ours, tt.Mean("y", "x", use_t=False, equal_var=False).analyze_aggregates(control, treatment))
    same(
        ours["unadjusted"], tt.Mean("y", use_t=False, equal_var=False).analyze_aggregates(control, treatment)
    )
    assert ours["varianceRemoved"] > 0.5


def test_rows_of_one_visitor_are_added_up(tmp_path: Path) -> None:
    visits = [("a", "A", 0, "1.10"), ("a", "A", 1, "2.25"), ("a", "A", 1, ""), ("b", "A", 0, "0.5")]
    visits += [("c", "B", 0, "7"), ("d", "B", 1, "1e1")]
    file = write(tmp_path, HEADER[:4], visits)
    found = analyse(file, "--metric", ORDERS, "--metric", MONEY)
    orders, money = found["metrics"]
    assert [arm["n"] for arm in orders["arms"]] == [2, 2]
    assert [arm["mean"] for arm in orders["arms"]] == [0.5, 0.5]
    assert [arm["mean"] for arm in money["arms"]] == [pytest.approx(1.925), 8.5]
    assert found["notes"] == ["1 empty cell counted as 0."]


def test_a_visitor_seen_in_two_arms_counts_for_the_first_by_time(tmp_path: Path) -> None:
    rows = [("x", "B", 1, "2026-03-02"), ("x", "A", 0, "2026-03-01 10:00"), ("y", "B", 0, "2026-03-01")]
    rows += [(f"a{n}", "A", 0, "2026-03-05") for n in range(30)]
    rows += [(f"b{n}", "B", 1, "2026-03-14T23:00:00+00:00") for n in range(30)]
    found = analyse(
        write(tmp_path, ("visitor", "version", "bought", "at"), rows), "--metric", ORDERS, "--time", "at"
    )
    assert not [name for name in names_in(found) if "_" in name]
    assert found["crossover"] == {"units": [1, 0], "share": 1 / 62}
    assert found["days"] == 14
    assert found["metrics"][0]["arms"][0]["mean"] == pytest.approx(1 / 31)
    assert found["withoutCrossover"][0]["difference"] == pytest.approx(30 / 31)
    without_time = analyse(write(tmp_path, ("visitor", "version", "bought", "at"), rows), "--metric", ORDERS)
    assert without_time["crossover"]["units"] == [0, 1]


def test_a_split_that_is_off_shows_no_effect(tmp_path: Path) -> None:
    rows = [(n, "A" if n % 10 < 4 else "B", n % 3 == 0) for n in range(4_000)]
    file = write(tmp_path, ("visitor", "version", "bought"), [(v, a, int(b)) for v, a, b in rows])
    found = analyse(file, "--metric", ORDERS)
    assert found["state"] == "do_not_trust"
    assert found["sampleRatio"]["p"] == pytest.approx(scipy.stats.chisquare([1_600, 2_400]).pvalue, rel=1e-9)
    expected = analyse(file, "--metric", ORDERS, "--expect", "40:60")
    assert expected["sampleRatio"]["p"] == 1
    assert expected["state"] == "not_proven"
    text = CliRunner().invoke(opportune, command(file, "--metric", ORDERS)).output
    assert text.startswith("Do not trust this\n")
    assert "chance alone does this" not in text
    assert "chance alone would do this less than 1 time in 1,000" in text


def test_words_for_people_name_no_formula(tmp_path: Path) -> None:
    rows = [(n, "A" if n % 2 else "B", int(n % 20 == 0 or n % 50 == 1)) for n in range(4_000)]
    asked = command(write(tmp_path, ("visitor", "version", "bought"), rows), "--metric", ORDERS)
    told = CliRunner().invoke(opportune, asked).output
    assert "chance alone would often do this" in told
    assert "chance alone does this" in told
    assert "less than 1 time in 1,000" in told
    assert not re.search(r"\bp\b|CUPED|\barms?\b|\bunits?\b", told)


def test_the_text_is_the_documented_one(tmp_path: Path) -> None:
    rows = [(f"a{n}", "A", int(n % 20 == 0)) for n in range(9_000)]
    rows += [(f"b{n}", "B", int(n % 16 == 0)) for n in range(9_000)]
    file = write(tmp_path, ("visitor", "version", "bought"), rows, separator=";")
    text = CliRunner().invoke(opportune, command(file, "--metric", ORDERS)).output
    assert text.startswith("Keep\n\nKeep it: 25% more orders (between")
    assert f"```\n{text}```\n" in PAGE.read_text()


def test_wrong_rows_are_named_with_what_would_be_right(tmp_path: Path) -> None:
    rows = [
        ("a", "A", 1, "2.5"),
        ("", "A", 1, "1"),
        ("b", "B", 2, "1"),
        ("c", "B", 0, "about 20"),
        ("d", "", 1, "3"),
    ]
    told = refusal(write(tmp_path, HEADER[:4], rows), "--metric", ORDERS, "--metric", MONEY)
    assert 'row 3: "visitor" is empty' in told
    assert 'row 4: "bought" is "2"; a proportion needs 1 or 0' in told
    assert 'row 5: "paid" is "about 20"; it needs a plain number, as 1234.5' in told
    assert 'row 6: "version" is empty' in told


@pytest.mark.parametrize("cell", ["nan", "inf", "1e400", "-1e99999999"])
def test_an_amount_that_is_none_is_refused(tmp_path: Path, cell: str) -> None:
    rows = [("a", "A", 1, "2.5"), ("b", "B", 1, cell)]
    assert "row 3" in refusal(write(tmp_path, HEADER[:4], rows), "--metric", MONEY)


@pytest.mark.parametrize(
    ("rows", "control", "metric", "told"),
    [
        ([], "A", ORDERS, "has a header and no rows"),
        ([("a", "A", 1)], "A", ORDERS, 'Every row has the version "A"'),
        ([("a", "B", 1), ("b", "C", 1)], "A", ORDERS, 'No row has the control "A"; the column has "B", "C"'),
        ([("a", "A", 1)], "A", MONEY, 'has no column "paid"; it has: visitor, version, bought'),
        ([(n, f"v{n}", 1) for n in range(40)], "v1", ORDERS, "more than 20 different values"),
    ],
)
def test_what_is_no_test_is_refused(
    tmp_path: Path, rows: list[tuple[object, ...]], control: str, metric: str, told: str
) -> None:
    file = write(tmp_path, ("visitor", "version", "bought"), rows)
    assert told in refusal(file, "--metric", metric, control=control)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--metric", "bought"), "write NAME=COLUMN:proportion or NAME=COLUMN:mean"),
        (
            ("--metric", ORDERS, "--expect", "1:1:1"),
            "no split of A, B; write one number above 0 for each, as 1:1",
        ),
        (("--metric", ORDERS, "--expect", "1:0"), "no split of A, B"),
    ],
)
def test_wrong_options_say_what_would_be_right(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    file = write(tmp_path, ("visitor", "version", "bought"), [("a", "A", 1), ("b", "B", 0)])
    result = CliRunner().invoke(opportune, command(file, *arguments))
    assert result.exit_code == 2
    assert told in " ".join(result.output.split())


@pytest.mark.parametrize(
    "rows",
    [
        [("a", "A", 0), ("b", "B", 0)],
        [("a", "A", 1), ("b", "B", 1), ("c", "A", 1), ("d", "B", 1)],
        [("a", "A", 0)] * 5 + [("b", "B", 1)] * 5,
        [("a", "A", 0), ("a", "B", 1)],
    ],
)
def test_too_little_is_a_state_in_words(tmp_path: Path, rows: list[tuple[str, str, int]]) -> None:
    file = write(tmp_path, ("visitor", "version", "bought"), rows)
    found = analyse(file, "--metric", ORDERS)
    assert found["state"] in {"no_data", "not_proven", "do_not_trust"}
    result = CliRunner().invoke(opportune, command(file, "--metric", ORDERS), catch_exceptions=False)
    assert "nan" not in result.output


SOLD = [("A", 0), ("B", 0), ("A", "12,50"), ("B", "1.234,50"), ("A", "€7,5"), ("B", "8 USD")]


def saved(folder: Path, text: str, encoding: str) -> Path:
    file = folder / "saved.csv"
    file.write_bytes(text.encode(encoding))
    return file


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_what_a_spreadsheet_saves_is_read(tmp_path: Path, encoding: str) -> None:
    rows = [f"v{place};{version};{paid}" for place, (version, paid) in enumerate(SOLD)]
    text = "\r\n".join(["sep=;", "visitor;version;paid", *rows, "größe;B;0", ""])
    found = analyse(saved(tmp_path, text, encoding), "--metric", MONEY)
    assert [arm["n"] for arm in found["metrics"][0]["arms"]] == [3, 4]
    assert [arm["mean"] for arm in found["metrics"][0]["arms"]] == pytest.approx([20 / 3, 1242.5 / 4])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "saved.csv is empty; it needs a header"),
        ("PK\x03\x04 a workbook", "a spreadsheet's own file; open it there and save it as CSV"),
        ("visitor,version,paid\n1,A,1\n2,B,1\n3,b,1\n", '"version" has "B" and "b": write them alike'),
        ('visitor,version,paid\n1,A,"1,234"\n2,B,1\n', "may be 1234 or 1.234; write it without the comma"),
        (
            "visitor;version;paid\n1;A;1.234\n2;B;12,50\n",
            '"paid" has "1.234" and "12,50"; write every number',
        ),
    ],
)
def test_a_file_that_could_be_misread_is_refused_with_what_would_be_right(
    tmp_path: Path, text: str, said: str
) -> None:
    assert said in refusal(saved(tmp_path, text, "utf-8"), "--metric", MONEY)


def test_less_of_a_bad_thing_is_asked_for_and_missed_where_it_was_forgotten(tmp_path: Path) -> None:
    rows = [(f"{v}{n}", v, int(n % 10 < (5 if v == "B" else 4))) for v in "AB" for n in range(2_000)]
    file = write(tmp_path, ("visitor", "version", "left"), rows)
    metric = ("--metric", "bounces=left:proportion")
    forgotten = analyse(file, *metric)
    assert any("--less-is-better" in note for note in forgotten["notes"])
    asked = analyse(file, *metric, "--less-is-better", "bounces")
    assert asked["sentence"].startswith("Not proven, and it did harm: 25% more bounces")
    assert asked["notes"] == []
    result = CliRunner().invoke(opportune, command(file, *metric, "--less-is-better", "bounce"))
    assert "the names are bounces" in result.output


def test_an_uneven_split_nobody_planned_for_names_the_option(tmp_path: Path) -> None:
    rows = [(f"{v}{n}", v, n % 7 == 0) for v, many in (("A", 900), ("B", 100)) for n in range(many)]
    file = write(tmp_path, ("visitor", "version", "bought"), [(u, v, int(b)) for u, v, b in rows])
    assert any("--expect" in note for note in analyse(file, "--metric", ORDERS)["notes"])
    assert analyse(file, "--metric", ORDERS, "--expect", "9:1")["notes"] == []
