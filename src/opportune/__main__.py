"""The command `opportune`, and `python -m opportune`, the same.

Every process a server starts reads this file again, and needs nothing of the command line: it is loaded by a call.
"""

from __future__ import annotations


def main() -> None:
    from opportune.cli import main as run  # noqa: PLC0415 - see above

    run()


if __name__ == "__main__":
    main()
