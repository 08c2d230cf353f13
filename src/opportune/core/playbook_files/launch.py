"""`launch`, in a rule's file and in `team.yaml`: the state a rule starts in."""

from __future__ import annotations

import re

from opportune.core.experiments.ramp import SLOWLY
from opportune.core.language.phrases.share import describe_share, parse_share
from opportune.core.playbook_files.form import Form

LAUNCHES = ("draft", "preview", "live", SLOWLY)
STATES = "live, slowly, draft, preview, or a share such as 20%"


def read_launch(form: Form, default: str) -> str:
    """The state it says, else the default; a draft where it says none that there is."""
    text = form.text("launch", default).lower()
    if text in LAUNCHES:
        return text
    if not re.search(r"\d", text):
        form.wrong("launch", f'"{text}" is no state', f"one of: {STATES}")
        return "draft"
    share = form.said("launch", parse_share) if "launch" in form else parse_share(default)
    if share is not None and share <= 0:
        form.wrong("launch", "a share of nobody", "write draft, or a share such as 20%")
    return describe_share(share) if share else "draft"
