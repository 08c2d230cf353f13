"""A feed's bytes as offers, piece by piece: XML (RSS and Atom, `g:` names), or a table with commas or tabs."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator
from itertools import chain
from xml.parsers import expat

from opportune.core.feeds.offer import Offer
from opportune.errors import BadRequestError

ITEMS = frozenset({"item", "entry", "product", "offer"})
NEEDED = ("id", "title", "price")
MAX_FIELD_CHARS = 20_000
MAX_FIELDS = 400
DELIMITERS = ("\t", ";", "|", ",")
LONGEST_HEADER = 65_536


def read_feed(chunks: Iterable[bytes], name: str) -> Iterator[Offer]:
    """Recognised by how it begins. Raises BadRequestError, also half-way, where it cannot be read on."""
    pieces = iter(chunks)
    first = b""
    while len(first.lstrip(b"\xef\xbb\xbf \r\n\t")) < 64 and (piece := next(pieces, b"")):
        first += piece
    start = first.lstrip(b"\xef\xbb\xbf \r\n\t")
    if not start:
        raise BadRequestError(wrong=f"{name} is empty.")
    is_xml = start.startswith(b"<") or first.startswith((b"\xff\xfe<", b"\xfe\xff\x00<"))
    read = read_xml if is_xml else read_table
    return read(
        chain((start if is_xml and not first.startswith((b"\xff\xfe", b"\xfe\xff")) else first,), pieces),
        name,
    )


def read_xml(chunks: Iterable[bytes], name: str) -> Iterator[Offer]:
    """Items as they end. Nothing outside the text is looked up: a DOCTYPE, and so any entity, is refused."""
    reader = _XmlReader()
    try:
        for chunk in chunks:
            reader.parser.Parse(chunk, False)
            yield from reader.finished()
        reader.parser.Parse(b"", True)
    except expat.ExpatError as error:
        wrong = f"{name} is no readable XML: line {error.lineno}, {expat.ErrorString(error.code)}."
        raise BadRequestError(wrong=wrong) from None
    except _DoctypeError:
        wrong = f"{name} has a DOCTYPE, which no product feed needs; it is not read, as it could ask for other files."
        raise BadRequestError(wrong=wrong) from None
    except LookupError:
        raise BadRequestError(wrong=f"{name} is in an encoding nobody knows; save it as UTF-8.") from None
    yield from reader.finished()
    if not reader.has_items:
        raise BadRequestError(
            wrong=f"{name} holds no products: RSS has them as <item>, Atom as <entry>, with <g:id> and <g:price>."
        )


class _DoctypeError(Exception):
    """The document brings declarations along."""


class _XmlReader:
    """Collects the fields of the item that is open; a field inside another belongs to the outer one's name."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse
        self.has_items = False
        self._done: list[Offer] = []
        self._item: dict[str, str] | None = None
        self._depth = 0
        self._field = ""
        self._value: list[str] = []
        self._size = 0

    def finished(self) -> list[Offer]:
        done, self._done = self._done, []
        return done

    @staticmethod
    def _refuse(*_: object) -> None:
        raise _DoctypeError

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = _plain(tag)
        if self._item is None:
            if name in ITEMS:
                self._item, self._depth, self.has_items = {}, 0, True
            return
        self._depth += 1
        if self._depth == 1:
            self._field, self._value, self._size = name, [], 0
            if name == "link" and attributes.get("href"):
                self._text(attributes["href"])

    def _text(self, text: str) -> None:
        if self._item is not None and self._depth == 1 and self._size < MAX_FIELD_CHARS:
            self._value.append(text)
            self._size += len(text)

    def _end(self, _tag: str) -> None:
        if self._item is None:
            return
        if self._depth == 0:
            self._done.append(self._item)
            self._item = None
            return
        if self._depth == 1 and len(self._item) < MAX_FIELDS:
            self._item.setdefault(self._field, "".join(self._value).strip())
        self._depth -= 1


def read_table(chunks: Iterable[bytes], name: str) -> Iterator[Offer]:
    """Rows under a header; its separator is the one there is most of. Raises BadRequestError where columns miss."""
    rows = table_rows(chunks, name)
    header = [_plain(column) for column in next(rows, [])]
    missing = [column for column in NEEDED if column not in header]
    if missing:
        wrong = f"{name} is no product feed: it has no column {' and no column '.join(missing)}"
        raise BadRequestError(wrong=f"{wrong}; it has: {', '.join(header[:30]) or 'nothing'}.")
    for row in rows:
        if any(cell.strip() for cell in row):
            yield dict(zip(header, row, strict=False))


def table_rows(chunks: Iterable[bytes], name: str) -> Iterator[list[str]]:
    lines = _lines(chunks)
    first = next(lines, "")
    delimiter = max(DELIMITERS, key=first.count)
    try:
        yield from csv.reader(chain((first,), lines), delimiter=delimiter, quotechar='"')
    except csv.Error:
        raise BadRequestError(
            wrong=f"{name} is no table that can be read. Save it as CSV: one row a line, a header first, columns "
            "separated by commas, semicolons or tabs."
        ) from None


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Lines with their ends; what is not UTF-8 is shown as such and read on."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    rest = ""
    for chunk in chunks:
        *whole, rest = (rest + decoder.decode(chunk)).split("\n")
        yield from (f"{line}\n" for line in whole)
        if len(rest) > LONGEST_HEADER * 4:
            yield rest
            rest = ""
    if rest:
        yield rest


def _plain(name: str) -> str:
    """`g:image_link`, `image link` and `Image Link` are one name."""
    return "_".join(name.rpartition(":")[2].strip().lower().split())
