"""`docs/reference/commands.md`, from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from opportune.cli import COMMANDS, opportune

_HEAD = """# Commands

`opportune COMMAND --help` prints the same. Every option can be set by an environment variable; the ones
shared by commands are listed in [settings](settings.md). A command that changes something is sent to the
server that runs on the data folder, and takes effect at once; without a server it opens the folder itself.
A refused command says why on standard error and ends with status 1; a wrong call ends with status 2.
"""


def commands_page() -> str:
    root = click.Context(opportune, info_name="opportune")
    parts = [_HEAD]
    for command in COMMANDS.values():
        parts += _sections(command, root)
    return "\n".join(parts)


def _sections(command: click.Command, parent: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=command.name, parent=parent)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            member = command.get_command(context, name)
            if member is not None:
                yield from _sections(member, context)
        return
    usage = " ".join(command.collect_usage_pieces(context)).replace("[OPTIONS] ", "").replace("[OPTIONS]", "")
    yield f"## `{context.command_path} {usage}".rstrip() + "`\n"
    yield _paragraphs(command.help or "") + "\n"
    rows = [row for parameter in command.params for row in _option(parameter, context)]
    if rows:
        yield "| option | |\n|---|---|\n" + "\n".join(rows) + "\n"


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _option(parameter: click.Parameter, context: click.Context) -> Sequence[str]:
    record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
    if record is None:
        return ()
    names, meaning = (text.replace("|", r"\|") for text in record)
    return (f"| `{names}` | {' '.join(meaning.split())} |",)
