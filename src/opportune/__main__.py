"""`python -m opportune`, the same as the command `opportune`."""

from __future__ import annotations

from opportune.cli import main

if __name__ == "__main__":
    main()
