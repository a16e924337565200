"""``runbook coverage``: no line of a runbook is passed over, and what changes in it is named."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.main import run
from commands.pytest_runner import ROOT
from lab import faults
from runbook.model import exits
from runbook.suite import features
from traceability import runbook_lines, table
from traceability.matrix import State, account
from traceability.runbook_lines import Line, lines_of
from traceability.table import Entry, TableError

SEED = ROOT.parent / "shared" / "seed-runbook.md"
IDS = {one.id for one in features.scenarios_of(features.read())}

SMALL = """\
# A service

Made on a Tuesday

## 1. Contacts

| what | value |
|---|---|
| server | `192.0.2.1` |
| domain |　service.example |

## 2. Health

### 2.1 The page

1. Ask:
   ```bash
   # as anybody
   curl -s \\
     https://service.example/up

   docker ps --filter "name=web"
   ```

```json
{
  "status": "ok"
}
```

A slow answer takes 5 s;
a dead one none.

### Trouble: it does not answer

    docker start web

## Appendix

- keep 3 files
"""
EXPECTED = [
    ("", "sentence", "Made on a Tuesday", 3),
    ("1", "row", "server | `192.0.2.1`", 9),
    ("1", "row", "domain | service.example", 10),
    ("2.1", "sentence", "Ask:", 16),
    ("2.1", "remark", "# as anybody", 18),
    ("2.1", "command", "curl -s https://service.example/up", 19),
    ("2.1", "command", 'docker ps --filter "name=web"', 22),
    ("2.1", "answer", '"status": "ok"', 27),
    ("2.1", "sentence", "A slow answer takes 5 s;", 31),
    ("2.1", "sentence", "a dead one none.", 32),
    ("2", "command", "docker start web", 36),
    ("", "sentence", "keep 3 files", 40),
]


def entries_of(text: str) -> list[Entry]:
    """A table in which every line is accounted for by one scenario."""
    return [
        Entry(section=line.section, kind=line.kind, digest=line.digest, fact=line.text, by=("seen",))
        for line in lines_of(text)
    ]


def test_every_line_has_its_section_its_kind_and_its_place() -> None:
    assert [(one.section, one.kind, one.text, one.number) for one in lines_of(SMALL)] == EXPECTED


def test_white_space_and_the_width_of_characters_change_nothing() -> None:
    def digest(text: str) -> str:
        return Line("1", "sentence", runbook_lines.even(text), 1).digest

    assert digest("停止（８０％　以上）") == digest(" 停止(80%   以上) ")
    assert digest("80 %") != digest("81 %")


@given(st.text() | st.lists(st.sampled_from(SMALL.splitlines())).map("\n".join))
def test_any_text_can_be_read(text: str) -> None:
    assert all(one.text and one.number >= 1 for one in lines_of(text))


@given(
    st.lists(st.sampled_from(["alpha", "beta 5 s", "`gamma`"]), min_size=1), st.sampled_from(["", "- ", "> ", "1. "])
)
def test_no_sentence_is_passed_over(said: list[str], mark: str) -> None:
    text = "## 1. One\n\n" + "\n\n".join(f"{mark}{one}" for one in said)
    assert [one.text for one in lines_of(text)] == said


def test_a_runbook_as_the_table_has_it_is_accounted_for() -> None:
    accounted = account([*lines_of(SMALL)], entries_of(SMALL), {"seen"})
    assert {one.state for one in accounted} == {State.BY_SCENARIOS}
    assert len(accounted) == len(EXPECTED)


@pytest.mark.parametrize(
    ("before", "after", "state", "said"),
    [
        ("5 s;", "9 s;", State.CHANGED, "A slow answer takes 9 s;"),
        ("name=web", "name=app", State.CHANGED, 'docker ps --filter "name=app"'),
        ("192.0.2.1", "192.0.2.9", State.CHANGED, "server | `192.0.2.9`"),
        ('"ok"', '"well"', State.CHANGED, '"status": "well"'),
        ("     https://service.example/up", "     https://service.example/health", State.CHANGED, "curl -s https"),
        ("a dead one none.\n", "a dead one none.\na third one too.\n", State.NEW, "a third one too."),
        ("- keep 3 files\n", "- keep 3 files\n\n## 3. More\n\nMore.\n", State.NEW, "More."),
        ("| domain |　service.example |\n", "", State.GONE, "domain | service.example"),
        ("- keep 3 files\n", "", State.GONE, "keep 3 files"),
    ],
)
def test_an_edited_line_and_no_other_is_named(before: str, after: str, state: State, said: str) -> None:
    assert before in SMALL
    edited = [*lines_of(SMALL.replace(before, after))]
    (found,) = [one for one in account(edited, entries_of(SMALL), {"seen"}) if not one.settled]
    assert found.state is state
    told = found.line.text if found.line else found.entry.fact if found.entry else ""
    assert told.startswith(said)


def test_a_line_that_stands_in_a_section_twice_is_counted_twice() -> None:
    twice = SMALL.replace("- keep 3 files", "- keep 3 files\n- keep 3 files")
    states = [one.state for one in account([*lines_of(twice)], entries_of(SMALL), {"seen"})]
    assert states.count(State.NEW) == 1


@pytest.mark.parametrize(
    ("entry", "state"),
    [
        ({"by": ("seen",)}, State.BY_SCENARIOS),
        ({"by": ("seen", "unheard-of")}, State.NO_SCENARIO),
        ({"aside": "people keep it"}, State.ASIDE),
        ({"aside": ""}, State.NO_SCENARIO),
        ({}, State.NO_SCENARIO),
    ],
)
def test_a_line_needs_a_scenario_that_there_is_or_a_reason(entry: dict[str, object], state: State) -> None:
    line = Line("1", "command", "id -u", 1)
    known = Entry.model_validate({"section": "1", "kind": "command", "digest": line.digest, **entry})
    (found,) = account([line], [known], {"seen"})
    assert found.state is state


# The command


@pytest.fixture
def runbook_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runbook of its own, and a table that accounts for it by a scenario that there is."""
    entries = [
        f'{{ section = "{one.section}", kind = "{one.kind}", digest = "{one.digest}", by = ["every-disk-has-room"] }},'
        for one in entries_of(SMALL)
    ]
    own = tmp_path / "coverage.toml"
    own.write_text("lines = [\n" + "\n".join(entries) + "\n]\n")
    from_file = table.load
    monkeypatch.setattr(table, "load", lambda: from_file(own))
    path = tmp_path / "runbook.md"
    path.write_text(SMALL)
    return path


def test_a_runbook_that_is_accounted_for_is_compliant(runbook_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["coverage", "--against", str(runbook_file)]) == exits.COMPLIANT
    said = capsys.readouterr().out
    assert '✓ 2.1   line 22   docker ps --filter "name=web"\n      checked by every-disk-has-room\n' in said
    assert said.endswith("every line is covered\n")


def test_a_new_line_is_told_with_its_entry_and_settled_by_it(
    runbook_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runbook_file.write_text(SMALL + "- keep 4 more\n")
    assert run(["coverage", "--against", str(runbook_file)]) == exits.FAILED
    said = capsys.readouterr().out
    assert said.endswith(f"{len(EXPECTED)} by scenarios, 1 new\n1 of {len(EXPECTED) + 1} lines are not covered\n")
    (told,) = [line for line in said.splitlines() if "new; its entry: " in line]
    entry = told.partition("its entry: ")[2].replace("by = []", 'by = ["every-disk-has-room"]')
    own = runbook_file.with_name("coverage.toml")
    own.write_text(own.read_text().replace("\n]", f"\n{entry}\n]"))
    assert run(["coverage", "--against", str(runbook_file)]) == exits.COMPLIANT


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "cannot be read (No such file or directory); expected a runbook in Markdown"),
        (b"\xff\xfe", "is not text (invalid start byte); expected a runbook in Markdown"),
        (b"# Nothing\n\nhere\n", "has no numbered section with a line in it; expected a runbook in Markdown"),
    ],
)
def test_what_is_no_runbook_is_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: bytes | None, sentence: str
) -> None:
    path = tmp_path / "runbook.md"
    if text is not None:
        path.write_bytes(text)
    assert run(["coverage", "--against", str(path)]) == exits.WRONG_USE
    assert capsys.readouterr().err == f"{path}: {sentence}\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("[", "is not TOML ("), ("lines = 1", "key lines: "), ('lines = [{ section = "1" }]', "key lines.0.kind: ")],
)
def test_a_bad_table_is_told_in_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "coverage.toml"
    path.write_text(text)
    with pytest.raises(TableError) as told:
        table.load(path)
    assert str(told.value).startswith(f"{path}: {sentence}")


def test_sections_scenarios_and_faults_stand_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["coverage"])
    said = capsys.readouterr().out
    assert "db-down" in next(line for line in said.splitlines() if line.startswith("  the-database-is-up  "))
    assert "  rolling-back-and-forward-loses-no-request  its own tests, in tests/lab\n" in said
    assert all(f"  {one}  " in said for one in IDS)
    assert "no scenario" not in said
    assert "no fault makes it fail" not in said
    assert said.endswith("; no cells empty\n")
    assert code == exits.COMPLIANT


def test_a_section_without_scenarios_shows_those_of_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    run(["coverage"])
    of_9_1 = capsys.readouterr().out.partition("\n9.1\n")[2].partition("\n9.2\n")[0]
    assert of_9_1.startswith("  the-logs-can-be-read of 3.1  ")


@pytest.mark.parametrize(("wanted", "missing"), [("fails", "no fault makes it fail"), ("by", "no scenario")])
def test_an_empty_cell_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wanted: str, missing: str
) -> None:
    if wanted == "fails":
        names = tuple(one for one in faults.names() if "the-logs-can-be-read" not in faults.describe(one).fails)
        monkeypatch.setattr(faults, "names", lambda: names)
    else:
        entries = (*table.load(), Entry(section="11.1", kind="command", digest="0" * runbook_lines.DIGEST_DIGITS))
        monkeypatch.setattr(table, "load", lambda: entries)
    assert run(["coverage"]) == exits.FAILED
    assert f"  {missing}\n" in capsys.readouterr().out


# The project's own table


def test_the_table_names_scenarios_that_there_are() -> None:
    assert {one for entry in table.load() for one in entry.by} <= IDS


def test_the_table_keeps_no_text_of_the_runbook() -> None:
    for entry in tomllib.loads(table.TABLE.read_text())["lines"]:
        assert set(entry) <= {"section", "kind", "digest", "fact", "by", "aside"}
        assert len(entry["digest"]) == runbook_lines.DIGEST_DIGITS
        assert entry.get("fact", "").isascii()


@pytest.mark.skipif(not SEED.exists(), reason="the operator's runbook is not beside the clone")
def test_the_operators_runbook_is_as_the_table_has_it() -> None:
    accounted = account(runbook_lines.read(SEED), table.load(), IDS)
    assert [one for one in accounted if one.state in (State.NEW, State.CHANGED, State.GONE) or one.missing] == []


@pytest.mark.skipif(not SEED.exists(), reason="the operator's runbook is not beside the clone")
@pytest.mark.parametrize(
    ("before", "after"), [("80%以上", "90%以上"), ("docker stats --no-stream", "docker stats"), ("残り14日", "残り7日")]
)
def test_an_edit_of_the_operators_runbook_is_named(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "runbook.md"
    path.write_text(SEED.read_text().replace(before, after))
    (found,) = [one for one in account(runbook_lines.read(path), table.load(), IDS) if one.state is State.CHANGED]
    assert found.line is not None
    assert runbook_lines.even(after) in found.line.text


@pytest.mark.skipif(not SEED.exists(), reason="the operator's runbook is not beside the clone")
def test_an_edit_of_any_line_of_the_operators_runbook_is_named() -> None:
    known, entries = runbook_lines.read(SEED), table.load()
    for number, line in enumerate(known):
        edited = replace(line, text=f"{line.text} !")
        accounted = account([*known[:number], edited, *known[number + 1 :]], entries, IDS)
        assert [one.line for one in accounted if one.state is State.CHANGED] == [edited]
        assert not [one for one in accounted if one.state in (State.NEW, State.GONE)]


@pytest.mark.skipif(not SEED.exists(), reason="the operator's runbook is not beside the clone")
@pytest.mark.parametrize("kind", ["command", "row", "sentence"])
def test_a_number_that_is_edited_in_the_file_is_named_by_its_line(tmp_path: Path, kind: str) -> None:
    text = SEED.read_text().splitlines()
    line = next(
        one for one in runbook_lines.read(SEED) if one.kind == kind and re.search(r"[0-9]", text[one.number - 1])
    )
    text[line.number - 1] = re.sub(r"[0-9]+", lambda found: f"{int(found[0]) + 1}", text[line.number - 1], count=1)
    path = tmp_path / "runbook.md"
    path.write_text("\n".join(text) + "\n")
    (found,) = [one for one in account(runbook_lines.read(path), table.load(), IDS) if one.state is State.CHANGED]
    assert found.line is not None
    assert (found.line.kind, found.line.number) == (kind, line.number)
