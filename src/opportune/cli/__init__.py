"""The command line: one file a noun or command, all of them listed in COMMANDS."""

from __future__ import annotations

import sys

import click

from opportune import __version__
from opportune.cli.loading import Commands, InOrder
from opportune.cli.printing import fail, print_problems
from opportune.errors import OpportuneError, PlaybookError
from opportune.process.connection import CommandError

COMMANDS = Commands(
    {
        "serve": "serve:serve",
        "demo": "demo:demo",
        "keys": "keys:keys",
        "snippet": "snippet:snippet",
        "sources": "sources:sources",
        "platform": "platform:platform",
        "init": "init:init",
        "check": "playbook:check",
        "publish": "playbook:publish",
        "document": "playbook:document",
        "export": "playbook:export",
        "schema": "playbook:schema",
        "rules": "rules:rules",
        "rule": "rules:rule",
        "notes": "notes:notes",
        "recipes": "recipes:recipes",
        "backtest": "backtest:backtest_command",
        "report": "report:report",
        "plan": "plan:plan_command",
        "next": "next:next_command",
        "doctor": "doctor:doctor",
        "preview": "doctor:preview",
        "explain": "explain:explain",
        "learnings": "learnings:learnings",
        "review": "review:review",
        "mail": "mail:mail",
        "replay": "replay:replay",
        "import": "import_command:import_command",
        "experiment": "experiment:experiment",
        "catalogue": "catalogue:catalogue",
        "set-aside": "set_aside:set_aside",
        "person": "person:person",
        "recommendations": "recommendations:recommendations",
        "off": "switches:off",
        "on": "switches:on",
        "freeze": "switches:freeze",
        "unfreeze": "switches:unfreeze",
        "status": "switches:status",
        "backup": "backup:backup",
        "restore": "restore:restore",
        "database": "database:database",
    }
)
"""Each with its file and function; it is loaded when it is used."""


@click.group(
    cls=InOrder,
    commands=COMMANDS,
    context_settings={
        "auto_envvar_prefix": "OPPORTUNE",
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
    },
)
@click.version_option(__version__, prog_name="opportune")
def opportune() -> None:
    """Real-time personalization for small teams.

    A typical start: `opportune demo` to look around; then `init`, `check`, `serve`, `keys add`, `publish`.
    """


def main() -> None:
    """Runs the command line; an error made on purpose is one line on standard error, not a traceback."""
    try:
        opportune(prog_name="opportune")
    except PlaybookError as error:
        print_problems(error.problems)
        fail(str(error))
    except CommandError as error:
        print_problems(error.problems)
        fail(str(error))
    except OpportuneError as error:
        fail(str(error))
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone; nothing is left to say


__all__ = ["COMMANDS", "main", "opportune"]
