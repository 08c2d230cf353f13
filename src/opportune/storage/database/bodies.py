"""How whole events, receipts and files are packed: deflated against a dictionary of the words events are full of.

The dictionary makes small texts small (a product view of 880 bytes becomes 230) and quick to pack. The first
byte names the packing, so that a better one can join; a dictionary in use is never edited.
"""

from __future__ import annotations

import zlib
from pathlib import Path

PLAIN = b"\x00"
WITH_WORDS_1 = b"\x01"
WORDS_1 = (Path(__file__).parent / "words_1.txt").read_bytes().strip()
LEVEL = 3
WINDOW = -12
"""4 KiB: as far as the words reach back. A larger one costs more to set up than a small text costs to pack."""
MEMORY = 5
WORTH_PACKING_BYTES = 48

_READY = zlib.compressobj(LEVEL, zlib.DEFLATED, WINDOW, MEMORY, zlib.Z_DEFAULT_STRATEGY, WORDS_1)


def pack(text: bytes) -> bytes:
    if len(text) < WORTH_PACKING_BYTES:
        return PLAIN + text
    packer = _READY.copy()  # which has taken in the words already
    return WITH_WORDS_1 + packer.compress(text) + packer.flush()


def unpack(packed: bytes) -> bytes:
    if packed[:1] == PLAIN:
        return packed[1:]
    if packed[:1] != WITH_WORDS_1:
        raise ValueError(f"packed in a way this version does not know: {packed[:1]!r}")
    return zlib.decompressobj(WINDOW, WORDS_1).decompress(packed[1:])


def body_holds(packed: bytes, text: str) -> bool:
    """Whether a packed body has this text in it; SQL calls it to find a message id."""
    return text.encode() in unpack(packed)
