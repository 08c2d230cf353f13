"""The storefront as a process: `python -m opportune.demo`, told everything by `DEMO_...` variables."""

from __future__ import annotations

import os
from pathlib import Path

import uvicorn

from opportune.demo.shop import DECIDE_MS
from opportune.demo.storefront import create_app


def main() -> None:
    given = os.environ
    shop = create_app(
        api_url=given["DEMO_API_URL"],
        secret_key=given["DEMO_SECRET_KEY"],
        write_key=given["DEMO_WRITE_KEY"],
        playbook_dir=Path(given["DEMO_PLAYBOOK"]),
        data_dir=Path(given["DEMO_DATA"]),
        deadline_ms=float(given.get("DEMO_DEADLINE_MS", DECIDE_MS)),
    )
    uvicorn.run(
        shop,
        host=given["DEMO_HOST"],
        port=int(given["DEMO_PORT"]),
        access_log=False,
        log_level="warning",
        lifespan="off",
        ws="none",
    )


if __name__ == "__main__":
    main()
