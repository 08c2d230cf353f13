"""Publishing: on the head only, tests undisturbed unless asked for, and nothing broken ever runs."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from opportune.core.history.key import key_of
from opportune.core.language.sentence import describe
from opportune.core.moment import from_iso
from opportune.core.playbook_files.folder import playbook_files
from opportune.core.programme import empty_programme
from opportune.core.rule import RunState
from opportune.errors import FrozenError, NotFoundError, PlaybookError, RunningTestError, StaleRevisionError
from opportune.services import operating
from opportune.services.back_filling import BACK_FILL, back_fill
from opportune.services.house import House
from opportune.services.publishing import (
    check_folder,
    load_running,
    playbook_at,
    publish,
    read_folder,
)
from opportune.services.setting_up.looked import playbook_of
from opportune.services.understanding import SENTENCES
from opportune.storage.base import EventRow, Storage, Transaction

NOW = from_iso("2026-11-22T12:00:00Z")
TEAM = "owner: Mia\nreviewer: Tom\npurpose: Help\nsafety limit: none\nrollback: the owner decides\n"
HERO = """\
slot: home hero
type: text
tags: promo
fallback: Welcome
variants:
  Shoes: More shoes
  Boots: More boots
"""
RULE = """\
rule: Returner
when: a visitor viewed at least 2 different products in 7 days
show:
  home hero: Shoes
test: half and half
"""
FILES = {"team.yaml": TEAM, "slots/hero.yaml": HERO, "rules/returner.yaml": RULE}


@pytest.fixture
def house(storage: Storage) -> House:
    return House(
        storage=storage,
        clock=lambda: NOW,
        secret=b"s" * 32,
        programme=empty_programme(),
        seen_events={"Product Viewed"},
    )


def changed(**files: str) -> dict[str, str]:
    return FILES | {f"{name.replace('_', '/', 1)}.yaml": text for name, text in files.items()}


def put_state(house: House, **fields: object) -> None:
    state = msgspec.structs.replace(house.storage.list_run_states()["Returner"], **fields)
    house.storage.write(lambda transaction: transaction.put_run_state(state)).result()


def state_of(house: House, rule: str = "Returner") -> RunState:
    return house.storage.list_run_states()[rule]


def test_the_first_publish_runs_at_once_and_says_what_is_new(house: House) -> None:
    published = publish(house, FILES, by="mia")
    assert published.is_new
    assert published.notes == ('"Returner" is new, and live.',)
    assert house.programme.revision == published.revision
    head = house.storage.find_playbook()
    assert head is not None
    assert (head.revision, head.by, head.files) == (published.revision, "mia", playbook_files(FILES))
    assert published.states == (state_of(house),)
    assert (state_of(house).state, state_of(house).run, state_of(house).by) == ("live", 1, "mia")
    assert [entry.act for entry in house.storage.list_audit()] == ["published"]


@pytest.mark.parametrize(
    ("launch", "state", "share"),
    [
        ("draft", "draft", 10_000),
        ("preview", "preview", 10_000),
        ("live", "live", 10_000),
        ("20%", "share", 2_000),
    ],
)
def test_a_new_rule_starts_as_its_launch_says(house: House, launch: str, state: str, share: int) -> None:
    publish(house, changed(rules_returner=f"{RULE}launch: {launch}\n"))
    assert (state_of(house).state, state_of(house).share) == (state, share)


def test_a_playbook_that_does_not_check_changes_nothing(house: House) -> None:
    running = publish(house, FILES)
    with pytest.raises(PlaybookError) as caught:
        publish(house, changed(rules_returner=RULE.replace("Shoes", "Shoez")))
    assert str(caught.value.problems[0]).startswith("rules/returner.yaml:4: show.home hero:")
    assert house.programme.revision == running.revision
    head = house.storage.find_playbook()
    assert head is not None
    assert head.revision == running.revision


def test_publishing_the_same_again_changes_nothing_and_says_so(house: House) -> None:
    first = publish(house, FILES)
    again = publish(house, dict(FILES), based_on="whatever it was")
    assert (again.revision, again.is_new) == (first.revision, False)
    assert again.notes == (f"Nothing changed: {first.revision} is running already.",)
    assert again.states == first.states
    assert len(house.storage.list_audit()) == 1


def test_a_publish_based_on_another_revision_is_refused(house: House) -> None:
    first = publish(house, FILES, based_on="")
    other = changed(team=TEAM + "team: Lumen\n")
    with pytest.raises(StaleRevisionError, match=first.revision):
        publish(house, other, based_on="0123456789ab")
    with pytest.raises(StaleRevisionError):
        publish(house, other, based_on="")
    second = publish(house, other, based_on=first.revision)
    head = house.storage.find_playbook()
    assert head is not None
    assert (head.revision, head.based_on) == (second.revision, first.revision)


def test_while_frozen_nothing_is_published(house: House) -> None:
    operating.freeze(house, reason="black friday")
    with pytest.raises(FrozenError, match="black friday"):
        publish(house, FILES)
    operating.unfreeze(house)
    assert publish(house, FILES).is_new


def test_a_changed_rule_under_test_needs_a_new_test(house: House) -> None:
    before = publish(house, FILES)
    other = changed(rules_returner=RULE.replace("2 different", "3 different"))
    with pytest.raises(RunningTestError, match="--new-test") as caught:
        publish(house, other)
    assert '"Returner"' in str(caught.value)
    assert house.programme.revision == before.revision
    seed = state_of(house).seed
    put_state(house, phase=4)
    after = publish(house, other, new_test=True)
    assert after.notes[0].startswith('A new test starts for "Returner"')
    state = state_of(house)
    assert (state.run, state.phase, state.state, state.since_at) == (2, 1, "live", NOW)
    assert state.seed != seed
    assert state.behaviour == house.programme.playbook.behaviours["Returner"] != before.states[0].behaviour


def test_paperwork_disturbs_no_test(house: House) -> None:
    publish(house, FILES)
    before = state_of(house)
    published = publish(
        house, changed(rules_returner=RULE + "owner: Ida\npurpose: Better words\n", team=TEAM + "team: X\n")
    )
    assert state_of(house) == before
    assert published.notes == ()


def test_a_test_that_is_not_running_is_not_in_the_way(house: House) -> None:
    publish(house, changed(rules_returner=RULE + "launch: draft\n"))
    published = publish(house, changed(rules_returner=RULE.replace("Shoes", "Boots") + "launch: draft\n"))
    assert published.notes == ('"Returner" changed; it is in draft, and its test begins once it is live.',)
    assert (state_of(house).state, state_of(house).run) == ("draft", 2)


def test_without_a_test_a_changed_rule_keeps_its_state(house: House) -> None:
    plain = RULE.replace("test: half and half\n", "")
    publish(house, changed(rules_returner=plain))
    put_state(house, state="share", share=500, phase=3)
    published = publish(house, changed(rules_returner=plain.replace("Shoes", "Boots")))
    state = state_of(house)
    assert (state.state, state.share, state.run, state.phase) == ("share", 500, 1, 3)
    assert state.behaviour == house.programme.playbook.behaviours["Returner"]
    assert published.notes == ('"Returner" changed.',)


def test_ending_a_running_test_is_asked_for_too(house: House) -> None:
    publish(house, FILES)
    plain = changed(rules_returner=RULE.replace("test: half and half\n", ""))
    with pytest.raises(RunningTestError):
        publish(house, plain)
    assert publish(house, plain, new_test=True).notes == ('"Returner" changed; its test ended.',)


def test_a_rolled_back_rule_stays_off_whatever_is_published(house: House) -> None:
    publish(house, FILES)
    put_state(house, state="rolled back", reason="bounce rate")
    published = publish(house, changed(rules_returner=RULE.replace("Shoes", "Boots")))
    assert published.notes == ('"Returner" changed, and stays switched off: it was rolled back.',)
    assert state_of(house).state == "rolled back"
    assert house.programme.places["home-hero"].showings == ()
    again = publish(house, changed(rules_returner=RULE.replace("Shoes", "Boots"), team=TEAM + "team: X\n"))
    assert again.notes == ('"Returner" stays switched off: it was rolled back (bounce rate).',)


def test_a_rule_that_went_and_came_back_goes_on_as_it_was(house: House) -> None:
    publish(house, FILES)
    put_state(house, state="paused")
    without = {path: text for path, text in FILES.items() if path != "rules/returner.yaml"}
    gone = publish(house, without)
    assert gone.notes == ('"Returner" is gone; what it found out is kept.',)
    assert gone.states == ()
    back = publish(house, FILES)
    assert back.states[0].state == "paused"
    assert back.states[0].run == 1


def test_a_rule_waits_for_events_never_seen(house: House) -> None:
    house.seen_events.clear()
    published = publish(house, FILES)
    assert (
        published.notes[1]
        == '"Returner" waits until "Product Viewed" was seen at least once; it starts then by itself.'
    )
    assert house.programme.places["home-hero"].showings == ()


def test_warnings_come_with_the_publish(house: House) -> None:
    published = publish(house, changed(rules_returner=RULE + "until: 1 March 2026\n"))
    assert [problem.field for problem in published.warnings] == ["until"]


def test_everything_off_stays_off_over_a_publish(house: House) -> None:
    operating.switch_off(house, reason="fire")
    publish(house, FILES)
    assert house.programme.is_off


def test_a_restart_goes_on_with_the_head_and_its_states(house: House) -> None:
    revision = publish(house, FILES).revision
    put_state(house, state="paused")
    again = House(storage=house.storage, clock=lambda: NOW, secret=b"s" * 32, programme=empty_programme())
    programme = load_running(again)
    assert again.programme is programme
    assert (programme.revision, programme.run_states["Returner"].state) == (revision, "paused")


def test_a_restart_parses_no_sentence_again(house: House) -> None:
    publish(house, FILES)
    kept = (house.storage.find_setting(SENTENCES) or "").replace("604800000", "86400000")
    house.storage.write(lambda transaction: transaction.put_setting(SENTENCES, kept)).result()
    again = House(storage=house.storage, clock=lambda: NOW, secret=b"s" * 32, programme=empty_programme())
    rule = load_running(again).playbook.rules["Returner"]
    assert describe(rule.when, again.programme.playbook.vocabulary).endswith("in 1 day")


def test_a_report_parses_no_sentence_again(house: House) -> None:
    publish(house, FILES)
    kept = (house.storage.find_setting(SENTENCES) or "").replace("604800000", "172800000")
    house.storage.write(lambda transaction: transaction.put_setting(SENTENCES, kept)).result()
    playbook = playbook_of(house.storage, house.storage.find_playbook())
    assert describe(playbook.rules["Returner"].when, playbook.vocabulary).endswith("in 2 days")


@pytest.mark.parametrize("read", ["{}", '{"a visitor flew": {"kind": "flight"}}'])
def test_another_engine_reads_the_sentences_again(house: House, read: str) -> None:
    revision = publish(house, FILES).revision
    kept = f'{{"revision":"{revision}","engine":"older","read":{read}}}'
    house.storage.write(lambda transaction: transaction.put_setting(SENTENCES, kept)).result()
    again = House(storage=house.storage, clock=lambda: NOW, secret=b"s" * 32, programme=empty_programme())
    assert load_running(again).revision == revision


def test_without_a_playbook_a_start_knows_no_place(house: House) -> None:
    assert load_running(house).places == {}


def test_a_playbook_of_any_revision_can_be_had(house: House) -> None:
    first = publish(house, FILES).revision
    second = publish(house, changed(team=TEAM + "team: Lumen\n")).revision
    assert playbook_at(house, first).team.name == "Our shop"
    assert playbook_at(house, second) is house.programme.playbook
    assert playbook_at(house, "").slots == {}
    with pytest.raises(NotFoundError, match="0123456789ab"):
        playbook_at(house, "0123456789ab")


# -- newly declared properties ----------------------------------------------------------------


def see(house: House, number: int, color: str) -> None:
    body = msgspec.json.encode(
        {"type": "track", "event": "Product Viewed", "properties": {"product_id": "p1", "color": color}}
    )
    key = key_of("anonymous", "v")
    row = EventRow(
        key=key, event_class=1, occurred_at=NOW - number, name="Product Viewed", source="browser", message=number,
        facts=b'{"product":"p1"}', body=body,
    )  # fmt: skip

    def put(transaction: Transaction) -> None:
        transaction.put_key(key, "anonymous", "v")
        transaction.append_event(row)

    house.storage.write(put).result()


def colors(house: House) -> list[object]:
    key = key_of("anonymous", "v")
    return [event.facts.get("color") for event in house.storage.recall([key], now=NOW).events[key]]


def test_a_newly_declared_property_is_filled_in_for_past_events(house: House) -> None:
    publish(house, FILES)
    for number in range(1, 6):
        see(house, number, f"c{number}")
    assert back_fill(house).is_complete
    plan = "events:\n  Product Viewed:\n    properties:\n      color: text\n"
    published = publish(house, changed(plan=plan))
    assert published.notes == (
        'What "Product Viewed" carry changed: past events are read again in the background.',
    )
    step = back_fill(house, step=2)
    assert (step.is_complete, step.done) == (False, 2)
    assert [color for color in colors(house) if color] == ["c5", "c4"] or len(
        [c for c in colors(house) if c]
    ) == 2
    steps = 0
    while not back_fill(house, step=2).is_complete:
        steps += 1
        assert steps < 10
    assert sorted(str(color) for color in colors(house)) == ["c1", "c2", "c3", "c4", "c5"]
    assert house.storage.find_setting(BACK_FILL) is None
    assert house.storage.list_audit()[0].act == "back-fill complete"


def test_other_changes_fill_in_nothing(house: House) -> None:
    publish(house, FILES)
    publish(house, changed(plan="mode: strict\n"))
    assert house.storage.find_setting(BACK_FILL) is None


# -- folders -----------------------------------------------------------------------------------


def write(folder: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def test_a_folder_is_checked_whole(tmp_path: Path) -> None:
    write(
        tmp_path,
        FILES
        | {"README.md": "hello", "rules/deep/more.yaml": RULE.replace("Returner", "More").replace("2", "3")},
    )
    checked = check_folder(tmp_path, NOW)
    assert checked.playbook is not None
    assert list(checked.playbook.rules) == ["More", "Returner"]


def test_a_folder_that_does_not_exist_is_a_problem(tmp_path: Path) -> None:
    checked = check_folder(tmp_path / "nowhere")
    assert checked.playbook is None
    assert "this folder does not exist" in str(checked.problems[0])


def test_a_file_that_is_not_text_is_a_problem_at_its_line(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    (tmp_path / "rules" / "bad.yaml").write_bytes(b"rule: A\nwhen: \xff\n")
    checked = check_folder(tmp_path, NOW)
    assert checked.playbook is None
    assert str(checked.problems[0]) == "rules/bad.yaml:2: this is not UTF-8 text (save the file as UTF-8)"
    files, problems = read_folder(tmp_path)
    assert set(files) == set(FILES)
    assert len(problems) == 1


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, {"team.yaml": "a" * 2_000_000})
    assert "far too big" in str(read_folder(tmp_path)[1][0])
