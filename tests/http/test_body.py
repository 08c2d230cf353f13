from __future__ import annotations

import asyncio
import gzip
import zlib

import msgspec
import pytest

from opportune.errors import BadRequestError, BodyTooLargeError, BrokenJsonError
from opportune.http.body import decode_json, parse_json, read_body


class Shape(msgspec.Struct):
    name: str = ""
    items: list[object] = []


SHAPE = msgspec.json.Decoder(Shape)


def read(*chunks: bytes, encoding: bytes | None = None, limit: int = 1_000) -> bytes:
    waiting = [
        {"type": "http.request", "body": chunk, "more_body": place < len(chunks) - 1}
        for place, chunk in enumerate(chunks)
    ]

    async def receive() -> dict[str, object]:
        return waiting.pop(0)

    headers = [] if encoding is None else [(b"content-encoding", encoding)]
    return asyncio.run(read_body({"headers": headers}, receive, limit))


def test_chunks_are_joined() -> None:
    assert read(b'{"a"', b":1", b"}") == b'{"a":1}'


def test_too_large_a_body_is_refused_with_its_size() -> None:
    with pytest.raises(BodyTooLargeError, match="has 1500 bytes; at most 1000"):
        read(b"x" * 700, b"x" * 800)


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        (b"gzip", gzip.compress),
        (b"x-gzip", gzip.compress),
        (b"deflate", zlib.compress),
        (b"Deflate", lambda data: zlib.compress(data, wbits=-15)),
        (b"identity", bytes),
    ],
)
def test_packed_bodies_are_unpacked(encoding: bytes, pack) -> None:
    assert read(pack(b'{"a":1}'), encoding=encoding) == b'{"a":1}'


def test_a_bomb_is_not_unpacked() -> None:
    with pytest.raises(BodyTooLargeError):
        read(gzip.compress(b"0" * 1_000_000), encoding=b"gzip", limit=10_000)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(b"no gzip", b"gzip"), (gzip.compress(b"{}", mtime=0)[:-9], b"gzip"), (b"{}", b"br"), (b"{}", b"\xff")],
)
def test_what_cannot_be_unpacked_is_a_bad_request(body: bytes, encoding: bytes) -> None:
    with pytest.raises(BadRequestError):
        read(body, encoding=encoding)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", "it is empty"),
        (b"  ", "it is empty"),
        (b'{"a": 1,\n "b": }', "at line 2, column 7"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b'{"a": "\xff"}', "byte 7 is not UTF-8"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'{"a": "\x00"}', "at line 1, column 8"),
    ],
)
def test_broken_json_says_where(body: bytes, where: str) -> None:
    with pytest.raises(BrokenJsonError, match=where):
        parse_json(body)


def test_broken_json_of_a_known_shape_says_where_too() -> None:
    with pytest.raises(BrokenJsonError, match="at line 1, column 2"):
        decode_json(b"{", SHAPE)


def test_a_known_shape_reads_odd_json() -> None:
    assert decode_json(b'{"name": "a", "items": [1e999]}', SHAPE).items == [1.7976931348623157e308]


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'{"a": 1e400, "b": -1e400}', {"a": 1.7976931348623157e308, "b": -1.7976931348623157e308}),
        (b'{"a": ' + b"9" * 5_000 + b"}", {"a": 1.7976931348623157e308}),
        (b'{"a": "\\ud800"}', {"a": "\ud800"}),
        (b'{"a": "\\u0000"}', {"a": "\x00"}),
    ],
)
def test_odd_but_readable_json_is_read(body: bytes, value: object) -> None:
    assert parse_json(body) == value


def test_another_shape_is_a_bad_request_that_names_the_place() -> None:
    with pytest.raises(BadRequestError, match=r"\$.name"):
        decode_json(b'{"name": 1}', SHAPE)
    with pytest.raises(BadRequestError, match="object"):
        decode_json(b"[]", SHAPE)
