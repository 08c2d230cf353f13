"""`opportune sources`: shops are connected and forgotten by command, and their secrets are never shown."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from opportune.cli import opportune


def test_a_shop_is_connected_listed_and_removed(tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        done = CliRunner().invoke(opportune, ["sources", *arguments, "--data", str(tmp_path / "data")])
        return done.output if done.exit_code == 0 else f"{done.exit_code}: {done.exception}"

    assert "/v1/sources/shopify" in run("add", "shopify", "--secret", "s3cret-of-shop")
    assert "has this secret already" in run("add", "shopify", "--secret", "s3cret-of-shop", "--name", "two")
    assert "too short" in run("add", "woocommerce", "--secret", "short")
    listed = run("list")
    assert "shopify" in listed
    assert "s3cret" not in listed + run("list", "--json")
    assert "Removed" in run("remove", "--name", "shopify")
    assert "No shop is connected yet" in run("list")
    assert "there are: none yet" in run("remove", "--name", "shopify")
