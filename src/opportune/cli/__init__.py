"""The command line: one file a noun or command, all of them listed in COMMANDS."""

from __future__ import annotations

import sys

import click

from opportune import __version__
from opportune.cli.backtest import backtest_command
from opportune.cli.backup import backup
from opportune.cli.catalogue import catalogue
from opportune.cli.database import database
from opportune.cli.demo import demo
from opportune.cli.doctor import doctor, preview
from opportune.cli.experiment import experiment
from opportune.cli.explain import explain
from opportune.cli.import_command import import_command
from opportune.cli.init import init
from opportune.cli.keys import keys
from opportune.cli.learnings import learnings
from opportune.cli.mail import mail
from opportune.cli.next import next_command
from opportune.cli.notes import notes
from opportune.cli.person import person
from opportune.cli.plan import plan_command
from opportune.cli.platform import platform
from opportune.cli.playbook import check, document, export, publish, schema
from opportune.cli.printing import fail, print_problems
from opportune.cli.recipes import recipes
from opportune.cli.recommendations import recommendations
from opportune.cli.replay import replay
from opportune.cli.report import report
from opportune.cli.restore import restore
from opportune.cli.review import review
from opportune.cli.rules import rule, rules
from opportune.cli.serve import serve
from opportune.cli.set_aside import set_aside
from opportune.cli.snippet import snippet
from opportune.cli.sources import sources
from opportune.cli.switches import freeze, off, on, status, unfreeze
from opportune.errors import OpportuneError, PlaybookError
from opportune.process.control import CommandError

COMMANDS: tuple[click.Command, ...] = (
    serve,
    demo,
    keys,
    snippet,
    sources,
    platform,
    init,
    check,
    publish,
    document,
    export,
    schema,
    rules,
    rule,
    notes,
    recipes,
    backtest_command,
    report,
    plan_command,
    next_command,
    doctor,
    preview,
    explain,
    learnings,
    review,
    mail,
    replay,
    import_command,
    experiment,
    catalogue,
    set_aside,
    person,
    recommendations,
    off,
    on,
    freeze,
    unfreeze,
    status,
    backup,
    restore,
    database,
)


class InOrder(click.Group):
    """Lists its commands as they are written here, not by the alphabet."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    cls=InOrder,
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


for _command in COMMANDS:
    opportune.add_command(_command)


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
