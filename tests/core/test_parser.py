"""The parser that is made quickly, held against Lark's own: the same sentences, and the same places of mistakes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from lark import Lark
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from tests.core.condition_values import VOCABULARY

from opportune.core.conditions import CONDITIONS
from opportune.core.language.grammar import write
from opportune.core.language.parser import make_parser
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.language.words import words_of

EXAMPLES = [example for member in CONDITIONS for example in member.examples]
OTHER = msgspec.structs.replace(VOCABULARY, slots=("front page",), attributes=("club colour",), tags=("x",))


@pytest.fixture(scope="module", params=[VOCABULARY, OTHER], ids=["usual words", "other words"])
def parsers(request: pytest.FixtureRequest) -> tuple[Lark, Lark]:
    """Ours and Lark's own; the second pair follows the table of the first."""
    vocabulary: Vocabulary = request.param
    written, _ = write(words_of(vocabulary))
    return make_parser(written, None), Lark(written, parser="lalr", lexer="contextual")


def told(parser: Lark, text: str) -> Any:
    try:
        return parser.parse(text)
    except UnexpectedToken as error:
        return "token", error.token.type, error.token.start_pos, sorted(error.accepts or ())
    except UnexpectedCharacters as error:
        return "characters", error.pos_in_stream, sorted(error.allowed or ())
    except UnexpectedInput as error:
        return "input", error.pos_in_stream


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_sentence_and_every_beginning_of_it_are_read_as_lark_reads_them(
    parsers: tuple[Lark, Lark], example: str
) -> None:
    ours, larks = parsers
    words = example.split(" ")
    for text in (
        example,
        *(" ".join(words[:count]) + broken for count in range(len(words)) for broken in ("", " zzz")),
    ):
        assert told(ours, text) == told(larks, text), text


def test_lark_still_takes_the_parts_it_is_given() -> None:
    changed = "lark changed inside: hold core/language/parser.py against lark/parser_frontends.py"
    written, _ = write(words_of(VOCABULARY))
    inside = make_parser(written, None).parser
    assert type(inside.parser).__name__ == "_SharedTable", changed
    assert type(inside.lexer).__name__ == "_LexerWhenNeeded", changed
    assert inside.lexer.lexers == {}, changed
