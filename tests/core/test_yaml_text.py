"""YAML is read with its lines; whatever is wrong is a problem, never a crash."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportune.core.playbook_files.yaml_text import Entries, Scalar, line_of, read_documents, to_json


def read(text: str) -> object:
    documents, problems = read_documents("a.yaml", text)
    assert problems == []
    return to_json(documents[0])


def problem_of(text: str) -> str:
    problems = read_documents("a.yaml", text)[1]
    assert problems, "nothing was found wrong"
    return str(problems[0])


def test_words_are_words_and_only_numbers_and_true_are_values() -> None:
    text = "a: yes\nb: no\nc: true\nd: 12\ne: 007\nf: 2027-03-31\ng: 10:30\nh: 1.5\ni:\nj: '12'\nk: 1e999\nl: -0.5\n"
    assert read(text) == {
        "a": "yes", "b": "no", "c": True, "d": 12, "e": "007", "f": "2027-03-31", "g": "10:30",
        "h": 1.5, "i": None, "j": "12", "k": "1e999", "l": -0.5,
    }  # fmt: skip


def test_several_documents_stand_in_one_file() -> None:
    documents, problems = read_documents("a.yaml", "rule: A\n---\nrule: B\n")
    assert [to_json(document) for document in documents] == [{"rule": "A"}, {"rule": "B"}]
    assert problems == []


def test_an_empty_file_has_no_document() -> None:
    assert read_documents("a.yaml", "# nothing yet\n") == ([], [])


def test_every_node_knows_its_line() -> None:
    documents, _ = read_documents(
        "a.yaml", "when:\n  kind: all\n  parts:\n    - kind: count\n    - event: x\n"
    )
    assert line_of(documents[0], "$.when.parts[1].event") == 5
    assert line_of(documents[0], "$.when.nowhere") == 2


@pytest.mark.parametrize(
    "text",
    [
        "when: a visitor viewed\n  two shoes\n  in a day\n",
        "when: >\n  a visitor viewed\n  two shoes\n  in a day\n",
        'when: "a visitor viewed\n  two shoes\n  in a day"\n',
    ],
)
def test_a_place_inside_a_folded_text_has_its_own_line(text: str) -> None:
    documents, _ = read_documents("a.yaml", text)
    assert isinstance(documents[0], Entries)
    node = documents[0].find("when")
    assert isinstance(node, Scalar)
    first = 2 if ">" in text else 1
    assert node.line_at(node.text.index("visitor")) == first
    assert node.line_at(node.text.index("shoes")) == first + 1
    assert node.line_at(node.text.index("day")) == first + 2
    assert node.line_at(len(node.text)) >= first + 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2\n", 'a.yaml:2: a: "a" stands twice, first in line 1 (keep one of them)'),
        ("{a: 1, a: 2}\n", 'a.yaml:1: a: "a" stands twice, first in line 1 (keep one of them)'),
        ("a:\n\tb: 1\n", "a.yaml:2: a tab at the beginning of the line (indent with spaces)"),
        ("a: &x 1\n", "a.yaml:1: an anchor (&x) (write it out; anchors are not read)"),
        ("a: *x\n", "a.yaml:1: a reference to another place (*) (write it out; references are not read)"),
        ("a: !!python/object:os.system x\n", "a.yaml:1: a tag (tag:yaml.org,2002:python/object:os.system)"),
        (
            "a: one: two\n",
            'a.yaml:1: a second colon, which YAML reads as another field (put the text in quotes: "one: two")',
        ),
        ("a: {x} for you\n", "a.yaml:1: a text that begins with {, which YAML reads as a mapping"),
        ("a: @x\n", "a.yaml:1: a text that begins with @ (put it in quotes)"),
        ("a: 'open\n", "a.yaml:2: not YAML: found unexpected end of stream"),
        ("a: [1\n", "a.yaml:2:"),
        ("[a]: 1\n", "a.yaml:1: a list or mapping in the place of a field name"),
        ("a: \x00\n", "a.yaml:1: a character no text file may hold (U+0000) (remove it)"),
        ("a: \ud800\n", "a.yaml:1: a character no text file may hold (U+D800) (remove it)"),
        ("[" * 5_000, "a.yaml:1: more or deeper lists and fields than any playbook needs (simplify it)"),
        ("- " * 60_000 + "x", "a.yaml:1: more or deeper"),
        ("a: 1\n" * 60_000, "a.yaml: the file has 300,000 characters"),
        ("%YAML 9.9\n---\na: 1\n", "a.yaml:1: not YAML"),
        ("a\nb: 1\n", "a.yaml:"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, said: str) -> None:
    assert problem_of(text).startswith(said)


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    bomb = "a: &a [x,x,x,x]\n" + "".join(
        f"{b}: &{b} [*{a},*{a},*{a}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)
    )
    assert "an anchor (&a)" in problem_of(bomb)


def test_a_merge_key_is_a_field_like_any_other() -> None:
    assert read("<<: x\n") == {"<<": "x"}


@given(st.text(max_size=300))
def test_no_text_makes_reading_crash(text: str) -> None:
    documents, problems = read_documents("a.yaml", text)
    for document in documents:
        to_json(document)
    assert all(problem.file == "a.yaml" and problem.wrong for problem in problems)


@given(st.text(alphabet="ab:- \n{}[]&*!|>'\"#%@`,?\t0.~", max_size=80))
def test_no_yaml_sign_makes_reading_crash(text: str) -> None:
    documents, problems = read_documents("a.yaml", text)
    for document in documents:
        to_json(document)
    assert all(problem.wrong for problem in problems)
