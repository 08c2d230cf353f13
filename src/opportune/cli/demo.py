"""`opportune demo`."""

import click


@click.command()
def demo() -> None:
    """The demo shop."""
