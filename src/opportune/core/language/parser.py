"""Lark's parser of a grammar, made quickly: one table for all vocabularies, and a lexer when a sentence needs it.

Another vocabulary has other phrases and the same rules, so the table is computed once. A sentence meets some ten of
the hundred and more states, each of which has a lexer of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from copy import copy
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from lark import Lark
from lark.common import LexerConf, ParserConf
from lark.lexer import AbstractBasicLexer, BasicLexer, ContextualLexer, TerminalDef
from lark.parsers.lalr_parser import LALR_Parser

_MOST_KNOWN = 4
_TABLES: dict[Any, tuple[Any, Any]] = {}
"""By the rules: the parse table, and what follows it. Several threads may come to new rules at once."""


def make_parser(written: str, transformer: Any) -> Lark:
    """The parser of a grammar's text, which hands every match to the transformer."""
    return Lark(
        written,
        parser="lalr",
        lexer="contextual",
        transformer=transformer,
        maybe_placeholders=True,
        propagate_positions=False,
        _plugins={"LALR_Parser": _SharedTable, "ContextualLexer": _LexerWhenNeeded},
    )


class _SharedTable(LALR_Parser):
    """Follows the table that was computed for equal rules before."""

    def __init__(self, parser_conf: ParserConf, debug: bool = False, strict: bool = False) -> None:
        rules = (*parser_conf.rules, *parser_conf.start)
        known = _TABLES.get(rules)
        if known is None:
            super().__init__(parser_conf, debug, strict)
            for oldest in list(_TABLES)[: 1 - _MOST_KNOWN]:
                _TABLES.pop(oldest, None)
            _TABLES[rules] = (self._parse_table, type(self.parser))
            return
        table, follow = known
        self.parser_conf = parser_conf
        self._parse_table = table
        self.parser = follow(table, parser_conf.callbacks, debug)


class _LexerWhenNeeded(ContextualLexer):
    """Lark's own lexer by state, each made when the parser first comes to its state."""

    def __init__(
        self, conf: LexerConf, states: Mapping[int, Collection[str]], always_accept: Collection[str] = ()
    ) -> None:
        self._conf = conf
        self._always = {*conf.ignore, *always_accept}
        self._by_tokens: dict[frozenset[str], AbstractBasicLexer] = {}
        self.lexers = _Made(lambda state: self._of(frozenset(states[state])))

    def _of(self, accepted: frozenset[str]) -> AbstractBasicLexer:
        if accepted not in self._by_tokens:
            known = self._conf.terminals_by_name
            terminals = [known[name] for name in sorted(accepted | self._always) if name in known]
            self._by_tokens[accepted] = self._lexer(terminals)
        return self._by_tokens[accepted]

    def _lexer(self, terminals: Collection[TerminalDef]) -> AbstractBasicLexer:
        conf = copy(self._conf)
        conf.terminals = [terminal for terminal in terminals if terminal.pattern.min_width > 0]
        conf.skip_validation = True
        return _OneByOne(conf)

    @cached_property
    def root_lexer(self) -> AbstractBasicLexer:  # type: ignore[override]  # made when needed, where Lark sets it
        """Of every token there is, for what could not have stood where it does."""
        return self._lexer(list(self._conf.terminals))


class _Accepted(NamedTuple):
    """What a state's lexer can be asked for beside a match: the names of its tokens."""

    allowed_types: frozenset[str]


class _OneByOne(BasicLexer):
    """Tries one pattern after the other, each compiled once for all states.

    Lark joins a state's patterns into one, and compiling these took longer than everything else about a sentence.
    """

    def __init__(self, conf: LexerConf) -> None:
        super().__init__(conf)
        self.callback = dict(self.user_callbacks)

    @cached_property
    def scanner(self) -> _Accepted:  # type: ignore[override]  # made when needed, where Lark sets it
        return _Accepted(frozenset(terminal.name for terminal in self.terminals))

    @cached_property
    def _patterns(self) -> list[tuple[str, re.Pattern[str]]]:
        return [
            (each.name, _compiled(each.pattern.to_regexp(), self.g_regex_flags)) for each in self.terminals
        ]

    def match(self, text: Any, pos: int) -> tuple[str, str] | None:
        for name, pattern in self._patterns:
            found = pattern.match(text.text, pos, text.end)
            if found is not None:
                return found[0], name
        return None


@lru_cache(maxsize=1_000)
def _compiled(pattern: str, flags: int) -> re.Pattern[str]:
    return re.compile(pattern, flags)


class _Made(dict[int, AbstractBasicLexer]):
    """Its values are made when they are first asked for."""

    def __init__(self, make: Callable[[int], AbstractBasicLexer]) -> None:
        self._make = make

    def __missing__(self, state: int) -> AbstractBasicLexer:
        self[state] = made = self._make(state)
        return made
