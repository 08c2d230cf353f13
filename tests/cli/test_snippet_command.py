"""`opportune snippet`: one paste, with the address and the key filled in."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from tests.serving import ServerProcess, done, run_command

from opportune.settings import DEFAULTS


def test_the_snippet_is_a_block_and_a_script_with_address_and_key(tmp_path: Path) -> None:
    data = ("--data", tmp_path)
    done("keys", "add", "--kind", "write", "--name", "site", "--value", "owk_of_the_shop", *data)
    printed = done("snippet", "--url", "https://shop.example/o/", *data)
    block, tag = printed.strip().split("\n")
    assert block.startswith("<script>(()=>{")
    assert tag == '<script async src="https://shop.example/o/o.js" data-key="owk_of_the_shop"></script>'
    hash_ = b64encode(sha256(re.sub("</?script>", "", block).encode()).digest()).decode()
    allowed = done("snippet", "--csp", "--url", "https://shop.example/o", *data)
    assert f"'sha256-{hash_}' https://shop.example/o/o.js" in allowed


def test_left_out_the_address_is_that_of_the_server_on_the_folder(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data") as server:
        assert server.url != DEFAULTS.url
        for command in (("snippet",), ("platform", "shopify", "theme")):
            finished = run_command(*command, *server.place)
            assert f'src="{server.url}/o.js"' in finished.stdout
            assert f"No visitor can reach {server.url}" in finished.stderr
    finished = run_command("snippet", "--csp", "--url", "shop.example", "--data", tmp_path / "data")
    assert "is no address of a server, such as https://" in finished.stderr


def test_the_banner_is_named_on_the_tag_where_it_is_known(tmp_path: Path) -> None:
    data = ("--data", tmp_path)
    done("keys", "add", "--kind", "write", "--name", "site", "--value", "owk_of_the_shop", *data)
    assert ' data-consent="none"></script>' in done("snippet", "--consent", "none", *data)
    finished = run_command("snippet", "--consent", "cookybot", *data)
    assert "cookiebot" in finished.stderr


def test_the_script_for_forms_is_a_third_tag_and_allowed_by_the_policy(tmp_path: Path) -> None:
    data = ("--url", "https://shop.example/o", "--forms", "--data", tmp_path)
    done("keys", "add", "--kind", "write", "--name", "site", "--value", "owk_of_the_shop", "--data", tmp_path)
    *_, script, forms = done("snippet", *data).strip().split("\n")
    assert "/o.js" in script
    assert forms == '<script async src="https://shop.example/o/forms.js"></script>'
    assert " https://shop.example/o/preview.js https://shop.example/o/forms.js;" in done(
        "snippet", "--csp", *data
    )


def test_without_a_key_it_says_how_to_make_one(tmp_path: Path) -> None:
    done("init", tmp_path / "playbook")
    done("publish", tmp_path / "playbook", "--data", tmp_path / "data")
    finished = run_command("snippet", "--data", tmp_path / "data")
    assert finished.returncode != 0
    assert "opportune keys add --kind write" in finished.stderr
