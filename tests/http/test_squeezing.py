"""Squeezing: the smaller script does the same, in Node, and keeps every word that others read."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from opportune.http.script import head_block, page_script
from opportune.http.squeezing import squeezed

SCRIPT = """(() => {
  // A comment, with an apostrophe: it's gone.
  const outer = 'keep  these  spaces; and // these', list = [3, 1, 2];
  let last, sum = 0;  // at a line's end
  const read = ({ name, first: { deep = 5, ...rest } = {}, again = {} }, ...given) =>
    ({ name, deep, rest, again, given });
  const path = (text) => text.replace(/[^/'"]+\\/(\\w)/g, (whole, letter) => letter + whole.length / 2);
  const kinds = { plain: 1, 'quoted': 2, method() { return this.plain; }, nested: { plain: list } };
  const choose = (value) => value ? value.plain : list;
  function named(value) { return value + + sum; }
  for (const [at, each] of list.entries()) sum += each - -at;
  try { missing.thing(); } catch (fault) { last = fault.name; }
  try { missing(); } catch { sum++; }
  const { plain, nested: { plain: inner } } = kinds;
  const said = `${outer.length} and ${path('ab/cd')}: {plain}`;
  const grown = list.map((each) => { const outer = each * 2; return outer; });
  const small = sum ? .5 : 1, typed = typeof sum;
  const late = (outer) => { const inner = () => outer + list.length + sum;
    { const list = [outer]; return inner() + list[0]; } };
  const pick = (kind) => kind ?? last ? (one) => one + kind : (two) => two - kind;
  const safe = async (text) => { try { return `${await text}${sum}`; } catch (fault) { return fault; } };
  safe(outer).then((text) => console.log(text, late(2), late('a'), pick(1)(2), true, safe.length));
  console.log(JSON.stringify([outer, read({ name: 1, first: { more: 2 } }, 7, 8), path('ab/cd'), kinds.method(),
    choose(kinds), named(1), sum, last, plain, inner, said, grown, small, typed, { outer, sum }, list?.[0]]));
})();"""


def run(node: Path, script: str) -> str:
    done = subprocess.run([node, "-e", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_squeezed_script_says_the_same(node: Path) -> None:
    smaller = squeezed(SCRIPT)
    assert run(node, smaller) == run(node, SCRIPT)
    assert "it's gone" not in smaller
    assert len(smaller) < len(SCRIPT) * 0.7


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("(() => { const one = 1; send((it) => it, (it) => { it; }); })();", "send(e=>e,e=>{e})"),
        ("(() => { const one = 1; const two = 2; send(one); let three; })();", "{let Z=1,Q=2;send(Z);let J}"),
        (
            "(() => { const MOST = 1_000, list = [MOST]; const LEAST = 2; send(`${LEAST}`); })();",
            "{let Z=[1000];send(`${2}`)}",
        ),
        ("(() => { const value = 1; send({ value, other: value }); })();", "send({value:"),
        ("(() => { const name = 1; send(name); })();", "let name=1;"),
        ("(() => { send(`a ${b}  c`, 'x  y'); })();", "send(`a ${b}  c`,'x  y')"),
        ("(() => { send(window.value, location.href); })();", "send(window.value,location.href)"),
    ],
)
def test_what_others_read_keeps_its_name(written: str, kept: str) -> None:
    assert kept in squeezed(written)


def test_what_is_served_can_be_read(node: Path, tmp_path: Path) -> None:
    for name, script in {"head.js": head_block(), "o.js": page_script()}.items():
        (tmp_path / name).write_text(script)
        done = subprocess.run(
            [node, "--check", tmp_path / name], capture_output=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        assert "</script" not in script
