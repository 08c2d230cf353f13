"""The published playbook as it was understood when it was published, so that no process parses its sentences again."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

import msgspec

from opportune import __version__
from opportune.core.conditions import CONDITIONS, AnyCondition
from opportune.core.conditions.base import Condition
from opportune.core.playbook import Playbook
from opportune.core.playbook_files.folder import check_files, read_playbook

SENTENCES = "sentences"
_ENGINE = sha256("\n".join([__version__, *(member.grammar for member in CONDITIONS)]).encode()).hexdigest()[
    :12
]
"""What decides how a sentence is understood: another engine reads all of them again."""


class _Kept(msgspec.Struct, frozen=True):
    """The sentences of one revision as one engine understood them."""

    revision: str
    engine: str
    read: msgspec.Raw
    """By sentence, the condition; another engine's may be none that this one knows."""


def kept_text(revision: str, sentences: Mapping[str, Condition]) -> str:
    """What is kept in the setting SENTENCES beside a playbook."""
    kept = {"revision": revision, "engine": _ENGINE, "read": sentences}
    return msgspec.json.encode(kept).decode()


def understood(revision: str, files: Mapping[str, str], kept: str | None) -> Playbook:
    """The playbook of a revision, with what was kept of its sentences where this engine kept it.

    Raises PlaybookError when this version of the engine cannot read what an earlier one published.
    """
    checked = check_files(files, sentences=_known(revision, kept) if kept else None)
    return checked.playbook if checked.playbook is not None else read_playbook(files)


def _known(revision: str, kept: str) -> Mapping[str, Condition] | None:
    found = msgspec.json.decode(kept, type=_Kept)
    if (found.revision, found.engine) != (revision, _ENGINE):
        return None
    return msgspec.json.decode(found.read, type=dict[str, AnyCondition])
