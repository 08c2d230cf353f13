"""Documentation that cannot be wrong: pages are walked, examples run, rules checked, links and commands looked up."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from tests.acceptance.walkthrough import DOCUMENTED, Walk, blocks_of, is_as_printed, steps_of
from tests.serving import ROOT, SECRET_KEY, TEAM, ServerProcess, write_playbook
from tools.write_reference import PAGES

from opportune.cli import COMMANDS, opportune
from opportune.services.publishing import check_files
from opportune.settings import DEFAULTS

NODE_SCRIPTS = Path(__file__).parent / "node"
README = ROOT / "README.md"
QUICKSTART = ROOT / "docs" / "quickstart.md"
WRITTEN = sorted(
    path
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
    if path.name not in PAGES or path.parent.name != "reference"
)
EVERY = sorted((*WRITTEN, *(ROOT / "docs" / "reference" / name for name in PAGES)))
FILE = "# playbook/"
"""How a block begins that is a file."""
SHOES = {"headline": "Shoes for you"}
NORMAL = {"headline": "Welcome"}


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(path: Path, *languages: str) -> list[tuple[int, str]]:
    return [(line, text) for line, language, text in blocks_of(path.read_text()) if language in languages]


# -- the quickstart, walked -----------------------------------------------------------------


def test_the_quickstart_does_what_it_says(tmp_path: Path, free_port: int) -> None:
    missing = [name for name in ("curl", "python3") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"the quickstart needs {' and '.join(missing)}, and this machine has none")
    folder = tmp_path / "shop"
    folder.mkdir()
    with Walk(folder, free_port) as walk:
        for step in steps_of(QUICKSTART.read_text()):
            printed = walk.take(step)
            assert is_as_printed(step.prints, printed), (
                f"{named(QUICKSTART)}:{step.line}: {step.text}\n"
                f"documented:\n{step.prints}\nprinted:\n{printed.strip()}"
            )


# -- the README's shop, connected -----------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("readme")
    with ServerProcess(folder / "data", "--playbook", write_playbook(folder / "playbook")) as running:
        yield running


def example(language: str) -> str:
    (found,) = [text for _, text in blocks(README, language)]
    assert f"http://{DOCUMENTED}" in found
    return found.replace("timeout=0.3", "timeout=30").replace("timeoutMs: 300", "timeoutMs: 30_000")


def test_the_readmes_python_sends_and_decides(server: ServerProcess) -> None:
    code = example("python").replace(f"http://{DOCUMENTED}", server.url)
    names: dict[str, Any] = {"SECRET_KEY": SECRET_KEY, "visitor": "reader-1"}
    exec(compile(code, "README.md", "exec"), names)
    names["events"].flush()
    assert names["decide"]("reader-1", "home-hero", NORMAL) == NORMAL
    server.view("reader-1", 2)
    assert names["decide"]("reader-1", "home-hero", NORMAL) == SHOES
    assert names["decide"]("reader-1", "no-such-place", NORMAL) == NORMAL
    names["events"].join()


def test_the_readmes_python_answers_its_default_when_nobody_answers(free_port: int) -> None:
    code = example("python").replace(DOCUMENTED, f"127.0.0.1:{free_port}")
    decide = code[code.index("def decide") :]
    names: dict[str, Any] = {"SECRET_KEY": SECRET_KEY}
    exec(compile(f"import json, urllib.request\n{decide}", "README.md", "exec"), names)
    assert names["decide"]("reader-2", "home-hero", NORMAL) == NORMAL


@pytest.mark.parametrize("is_running", [True, False], ids=["server", "no server"])
def test_the_readmes_node_decides(
    node: Path, server: ServerProcess, free_port: int, *, is_running: bool
) -> None:
    for number in (1, 2):
        server.view("reader-3", number)
    address = server.url if is_running else f"http://127.0.0.1:{free_port}"
    code = example("js").replace(f"http://{DOCUMENTED}", address)
    names = f"const SECRET_KEY = {json.dumps(SECRET_KEY)}, visitor = 'reader-3';\n"
    ending = "console.log(JSON.stringify(hero));\nawait OpenFeature.close();\n"
    done = subprocess.run(
        [str(node), "--input-type=module", "-"],
        input=names + code + ending,
        cwd=NODE_SCRIPTS,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == (SHOES if is_running else NORMAL)


def test_every_page_says_the_default_port() -> None:
    for path in EVERY:
        assert set(re.findall(r"127\.0\.0\.1:\d+", path.read_text())) <= {DOCUMENTED}, named(path)


def test_documented_questions_are_answered(server: ServerProcess) -> None:
    for path in WRITTEN:
        for line, text in blocks(path, "json"):
            status, answer, _ = server.post("/v1/decide", json.loads(text), key=SECRET_KEY)
            assert status == 200, f"{named(path)}:{line}: {answer}"
            assert not any("errorCode" in found for found in answer["decisions"].values())
            assert answer.get("events", {}).get("setAside", 0) == 0


# -- playbooks ------------------------------------------------------------------------------


def documented_rules() -> list[Any]:
    return [
        pytest.param(text, id=f"{named(path)}:{line}")
        for path in WRITTEN
        for line, text in blocks(path, "yaml")
        if not text.startswith(FILE)
    ]


def places_for(rule: dict[str, Any]) -> dict[str, str]:
    """The places and versions a rule names, so that the rule itself is what is checked."""
    shown = {**rule.get("show", {}), **rule.get("also show", {}), "anything": "Any"}
    return {
        f"slots/{number}.yaml": json.dumps(
            {
                "slot": place,
                "fields": ["text"],
                "tags": ["promo", "upsell", "signup"],
                "fallback": {"text": "normal"},
                "variants": {version: {"text": "other"}},
            }
        )
        for number, (place, version) in enumerate(shown.items())
    }


@pytest.mark.parametrize("text", documented_rules())
def test_a_documented_rule_checks(text: str) -> None:
    files = {"team.yaml": TEAM, "rules/documented.yaml": text, **places_for(yaml.safe_load(text))}
    checked = check_files(files)
    assert not checked.problems, "\n".join(map(str, checked.problems))


def test_documented_files_of_a_playbook_check() -> None:
    """The quickstart's are published while it is walked, one wrong on purpose."""
    for path in WRITTEN:
        named_files = [
            (line, text)
            for line, text in blocks(path, "yaml")
            if text.startswith(FILE) and path != QUICKSTART
        ]
        for line, text in named_files:
            name = text.partition("\n")[0].removeprefix(FILE)
            checked = check_files({"team.yaml": TEAM, name: text})
            assert not checked.problems, f"{named(path)}:{line}: {checked.problems}"


# -- links ----------------------------------------------------------------------------------

LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors_of(path: Path) -> set[str]:
    """Headings as GitHub turns them into anchors."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", EVERY, ids=named)
def test_every_link_leads_somewhere(path: Path) -> None:
    for link in LINK.findall(path.read_text()):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), f"{named(path)} links to {link}, which does not exist"
        assert target.is_relative_to(ROOT), f"{named(path)} links out of the repository: {link}"
        assert not anchor or anchor in anchors_of(target), f"{named(path)} links to {link}: no such heading"


def test_the_index_names_every_page() -> None:
    index = ROOT / "docs" / "README.md"
    named_there = {
        (index.parent / link.partition("#")[0]).resolve() for link in LINK.findall(index.read_text())
    }
    pages = {path for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "decisions"}
    assert pages - {index} <= named_there


def test_the_list_of_decisions_names_each_by_its_title() -> None:
    index = (ROOT / "docs" / "decisions" / "README.md").read_text()
    for path in (ROOT / "docs" / "decisions").glob("0*.md"):
        title = path.read_text().splitlines()[0].removeprefix("# ").partition(". ")[2]
        assert f"[{title}]({path.name})" in index


# -- commands -------------------------------------------------------------------------------

INLINE = re.compile(r"`(opportune [^`]+)`")
IN_A_BLOCK = re.compile(r"(?:^|[\s(/])(opportune [a-z][^|)\n]*)", re.MULTILINE)
TARGET = re.compile(r"(?:`|^)make ([a-z]+)", re.MULTILINE)


def documented_calls(path: Path) -> Iterator[str]:
    """Calls of the command line in running text, in blocks of commands and in a service's file."""
    text = path.read_text()
    yield from INLINE.findall(re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    for _, body in blocks(path, "", "ini"):
        yield from IN_A_BLOCK.findall(body)
    for _, body in blocks(path, "console"):
        commands = [line for line in body.splitlines() if line.startswith("$ ")]
        yield from IN_A_BLOCK.findall("\n".join(commands))


@pytest.mark.parametrize("path", WRITTEN, ids=named)
def test_every_documented_command_and_option_exists(path: Path) -> None:
    for call in documented_calls(path):
        problem = wrong_with(call)
        assert not problem, f"{named(path)}: `{call}`: {problem}"


def wrong_with(call: str) -> str:
    """What no command would understand of a call; its arguments' values may be anything."""
    words = shlex.split(call.replace("...", ""))[1:]
    command: click.Command = opportune
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.commands.get(words.pop(0))
        if found is None:
            return "there is no such command"
        command = found
    options = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    unknown = [word for word in words if word.startswith("--") and word.partition("=")[0] not in options]
    return f"there is no option {unknown[0]}" if unknown and "--help" not in unknown else ""


@pytest.mark.parametrize("path", WRITTEN, ids=named)
def test_every_documented_make_target_exists(path: Path) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(TARGET.findall(path.read_text())) <= set(targets)


def test_every_setting_named_in_a_page_exists() -> None:
    known = {f"OPPORTUNE_{name.upper()}" for name in type(DEFAULTS).__struct_fields__}
    reference = (ROOT / "docs" / "reference" / "settings.md").read_text()
    assert all(f"`{name}`" in reference for name in known)
    known |= {
        option.envvar
        for command in COMMANDS.values()
        for option in command.params
        if isinstance(option, click.Option) and isinstance(option.envvar, str)
    }
    for path in WRITTEN:
        assert set(re.findall(r"OPPORTUNE_[A-Z_]+", path.read_text())) <= known, named(path)


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_what_the_code_says(name: str) -> None:
    page = ROOT / "docs" / "reference" / name
    assert page.read_text() == PAGES[name](), f"{name} is stale: run `python tools/write_reference.py`"
