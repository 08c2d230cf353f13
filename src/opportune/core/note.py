"""A note for whoever runs the installation: what was switched off, a warning, or a step that was taken, each once."""

from __future__ import annotations

from typing import Literal

import msgspec

NoteKind = Literal["switched off", "warning", "step", "to look at"]


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """`once` says of what it is: a second note about the same is not kept. `rules` are those it is about.

    `sign` names what was seen, `did` what was done about it.
    """

    at: int
    kind: NoteKind
    words: str
    once: str
    sign: str = ""
    rules: tuple[str, ...] = ()
    did: str = ""
