"""What GitHub Actions is told: annotations and a summary, in which nothing that a server said is anything but text."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reporting import github
from reporting.untrusted_text import visible
from runbook.model.outcome import Outcome
from runbook.model.record import Difference, Override, Run, Scenario, Step
from runbook.model.verdict import overridden
from tests.unit import report_example as example

HOSTILE = [
    example.HOSTILE,
    "::error title=owned::owned",
    "\n::set-env name=PATH::/tmp\n",
    "##[set-env name=PATH]/tmp",
    "  ::stop-commands::guessed\n::guessed::\n::error::owned",
    "\r::add-path::/tmp",
    "50%0A::error::owned, a:b",
    "```\n<img src=x onerror=alert(1)>\n````````\n# owned\n[a](javascript:b) ![c](d) | e | @f",
    "x" * 100_000,
]
FOREIGN = st.text() | st.sampled_from(HOSTILE) | st.text(alphabet="`:%#\r\n\x1b[]", max_size=60)


@dataclass
class Runner:
    """What the runner of Actions makes of a step's output: each line that is a command, unless they are stopped."""

    commands: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    token: str | None = None

    def read(self, output: str) -> Runner:
        for line in re.split(r"\r\n|\r|\n", output):
            self._read_line(line.strip())
        return self

    def _read_line(self, line: str) -> None:
        if self.token is not None:
            self.token = None if line == f"::{self.token}::" else self.token
            return
        found = re.fullmatch(r"::([a-z-]+)(?: (.*?))?::(.*)", line) or re.search(
            r"##\[([a-z-]+)(?: (.*?))?\](.*)", line
        )
        if found is None:
            return
        name, properties, data = found.groups()
        if name == "stop-commands":
            self.token = data
        else:
            pairs = dict(pair.split("=", 1) for pair in (properties or "").split(",") if pair)
            self.commands.append((name, {key: _plain(value) for key, value in pairs.items()}, _plain(data)))


def _plain(escaped: str) -> str:
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        escaped = escaped.replace(code, character)
    return escaped


def failed(name: str, seen: str = "87 %", *, gate: bool = True) -> Scenario:
    """A scenario that failed; one that decides before a deploy, or one beside it."""
    step = Step(
        keyword="Then",
        text=name,
        outcome=Outcome.FAILED,
        seconds=0,
        difference=Difference(expected="less than 80 %", seen=seen, go_to="10"),
    )
    return tagged(example.scenario(name, "6.3", Outcome.FAILED, steps=[step]), gate=gate)


def untold(name: str, reason: str = "no answer", *, gate: bool = True) -> Scenario:
    """A scenario that could not be told."""
    return tagged(example.scenario(name, "5.2", Outcome.UNDETERMINED, reason=reason), gate=gate)


def tagged(scenario: Scenario, *, gate: bool) -> Scenario:
    return scenario.model_copy(update={"tags": ("gate",) if gate else ()})


def gated(scenarios: Iterable[Scenario], *, exit_code: int = 1, override: Override | None = None) -> Run:
    """The record of a run before a deploy."""
    run = example.run(tuple(scenarios), exit_code=exit_code)
    return run.model_copy(update={"kind": "gate", "override": override})


def seen_by_actions(run: Run) -> list[tuple[str, dict[str, str], str]]:
    return Runner().read("\n".join(github.annotation_lines(run))).commands


# Annotations


def test_what_blocks_is_an_error_with_its_place_and_where_to_go() -> None:
    assert seen_by_actions(gated([failed("Every disk has room")])) == [
        (
            "error",
            {"title": "6.3 Every disk has room", "file": "features/06-monitoring.feature", "line": "7"},
            "expected: less than 80 %\nseen: 87 %\ngo to: runbook section 10",
        )
    ]


def test_what_could_not_be_told_is_an_error_too() -> None:
    assert [(level, said) for level, _, said in seen_by_actions(gated([untold("One")], exit_code=3))] == [
        ("error", "no answer")
    ]


def test_what_an_override_lets_through_is_a_warning_that_names_who_and_why() -> None:
    run = gated([failed("One")], exit_code=0, override=Override(reason="the fix itself", by="Hanako"))
    ((level, _, said),) = seen_by_actions(run)
    assert level == "warning"
    assert said.endswith("\nlet through by Hanako: the fix itself")


def test_what_an_override_does_not_let_through_stays_an_error() -> None:
    run = gated([failed("One"), untold("Two")], exit_code=3, override=Override(reason="now", by="Hanako"))
    assert [(level, where["title"]) for level, where, _ in seen_by_actions(run)] == [
        ("error", "5.2 Two"),
        ("warning", "6.3 One"),
    ]


def test_what_stands_beside_is_a_notice() -> None:
    ((level, _, said),) = seen_by_actions(gated([failed("One", gate=False)], exit_code=0))
    assert (level, said.splitlines()[-1]) == ("notice", "This is informational and does not block.")


def test_of_a_level_no_more_are_told_than_actions_shows_and_the_last_counts_the_rest() -> None:
    commands = seen_by_actions(gated(failed(f"Number {number}") for number in range(14)))
    assert len(commands) == github.MOST_OF_A_LEVEL
    assert commands[-1][1:] == ({"title": "5 more"}, ", ".join(f"Number {number}" for number in range(9, 14)))


@pytest.mark.parametrize("code", [2, 70, 130])
def test_a_run_that_did_not_come_to_a_verdict_is_an_error(code: int) -> None:
    ((level, _, said),) = seen_by_actions(gated([], exit_code=code))
    assert level == "error"
    assert said.endswith(f"exit {code}")


def test_a_run_in_which_all_is_well_annotates_nothing() -> None:
    well = tagged(example.scenario("One", "2.1"), gate=True)
    assert seen_by_actions(gated([well], exit_code=0)) == []


@settings(deadline=None)
@given(FOREIGN)
def test_whatever_a_server_says_is_the_text_of_one_annotation(text: str) -> None:
    commands = seen_by_actions(gated([failed("One", text), untold("Two", text), failed("Three", text, gate=False)]))
    assert [(level, where["title"]) for level, where, _ in commands] == [
        ("error", "6.3 One"),
        ("error", "5.2 Two"),
        ("notice", "6.3 Three"),
    ]
    assert all(len(said) < 2 * 8 * github.LONGEST_SAID for _, _, said in commands)
    if len(text) <= github.LONGEST_SAID and "\r" not in text:
        assert f"seen: {visible(text)}\n" in commands[0][2] + "\n"


@given(FOREIGN)
def test_an_escaped_text_is_one_line_and_comes_back(text: str) -> None:
    for escaped in (github.escape_data(text), github.escape_property(text)):
        assert "\n" not in escaped
        assert "\r" not in escaped
        assert _plain(escaped) == visible(text)
    assert not set(",:") & set(github.escape_property(text))


@settings(deadline=None)
@given(FOREIGN)
def test_nothing_that_is_printed_meanwhile_is_a_command(text: str) -> None:
    stream = io.StringIO()
    with github.commands_stopped(stream):
        stream.write(text)
    print("::notice::after", file=stream)
    assert Runner().read(stream.getvalue()).commands == [("notice", {}, "after")]


def test_commands_go_on_after_an_error_and_each_time_under_another_token() -> None:
    def told() -> str:
        stream = io.StringIO()
        with pytest.raises(KeyError), github.commands_stopped(stream):
            raise KeyError
        return stream.getvalue()

    first, second = told(), told()
    assert first != second
    assert Runner().read(first).token is None


# The summary


def tokens_of(markdown: str) -> list[tuple[str, str]]:
    """Every piece of a Markdown text by its kind, those inside paragraphs too."""
    parsed = MarkdownIt("commonmark", {"html": True}).enable("table").parse(markdown)
    inner = [one for token in parsed for one in token.children or ()]
    return [(token.type, token.content) for token in (*parsed, *inner)]


def test_the_summary_says_the_verdict_first_then_what_blocks() -> None:
    said = github.summary(gated([failed("Every disk has room"), failed("Redis is up", gate=False)]))
    assert said.startswith("## lab: not safe to deploy\n")
    assert said.index("What blocks") < said.index("Every disk has room") < said.index("Informational, does not block")
    assert "seen: 87 %" in said


def test_the_summary_names_the_override() -> None:
    said = github.summary(gated([failed("One")], exit_code=0, override=Override(reason="the fix itself", by="Hanako")))
    assert said.startswith("## lab: let through by an override\n")
    assert "Override by Hanako" in said
    assert "the fix itself" in said
    assert "What blocks" not in said


PARTS = {
    *(f"{name}_{end}" for name in ("heading", "paragraph", "strong") for end in ("open", "close")),
    *(f"{name}_{end}" for name in ("table", "thead", "tbody", "tr", "th", "td") for end in ("open", "close")),
    *("inline", "text", "text_special", "fence"),
}


@settings(deadline=None)
@given(FOREIGN)
def test_whatever_a_server_says_is_shown_as_it_is(text: str) -> None:
    override = Override(reason=text or "-", by=text or "-")
    said = github.summary(gated([failed("One", text), untold("Two", text)], exit_code=3, override=override))
    tokens = tokens_of(said)
    assert {kind for kind, _ in tokens} <= PARTS
    assert len([kind for kind, _ in tokens if kind == "fence"]) == 3
    assert "\x1b" not in said


@given(st.integers(0, 3000))
def test_a_summary_never_takes_more_than_there_is_room_for(room: int) -> None:
    run = gated(failed(f"Number {number}") for number in range(12))
    said = github.summary(run, room_bytes=room)
    assert len(said.encode()) <= room
    whole = github.summary(run)
    assert said == whole or room < 200 or said.endswith(github.NOTE)


def test_a_summary_is_appended_to_what_the_step_said_before(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    github.append_summary(gated([failed("One")]), path)
    assert path.read_text().startswith("before\n## lab: not safe to deploy\n")


@pytest.mark.parametrize("there", [github.LARGEST_SUMMARY_BYTES - 10, github.LARGEST_SUMMARY_BYTES - 300])
def test_a_full_summary_is_not_made_too_large(tmp_path: Path, there: int) -> None:
    path = tmp_path / "summary.md"
    path.write_text("x" * there)
    github.append_summary(gated(failed(f"Number {number}") for number in range(40)), path)
    assert path.stat().st_size <= github.LARGEST_SUMMARY_BYTES


# Which scenario is which


Place = Literal["blocks", "let through", "beside"]


@pytest.mark.parametrize(
    ("scenario", "override", "place"),
    [
        (failed("One"), False, "blocks"),
        (failed("One"), True, "let through"),
        (untold("One"), False, "blocks"),
        (untold("One"), True, "blocks"),
        (failed("One", gate=False), True, "beside"),
        (untold("One", gate=False), False, "beside"),
    ],
)
def test_each_scenario_that_is_amiss_has_one_place(scenario: Scenario, override: bool, place: Place) -> None:
    run = gated([scenario], override=Override(reason="now", by="Hanako") if override else None)
    places = {"blocks": github.blocks(run), "let through": overridden(run), "beside": github.besides(run)}
    assert [name for name, found in places.items() if found] == [place]


# The example workflow

WORKFLOW = (Path(__file__).parents[2] / ".github" / "workflows" / "deploy.yml").read_text()


def test_the_example_asks_the_gate_before_it_deploys_and_keeps_the_report_whatever_it_says() -> None:
    pull, gate, report, deploy = (
        WORKFLOW.index(words)
        for words in ("pull --quiet --ff-only", "runbook gate", "upload-artifact", "bin/deploy.sh")
    )
    assert pull < gate < report < deploy
    assert "if: ${{ !cancelled() }}" in WORKFLOW[gate:report]
    assert "continue-on-error" not in WORKFLOW


def test_the_example_knows_the_hosts_key_beforehand() -> None:
    assert "StrictHostKeyChecking yes" in WORKFLOW
    assert "ssh-keyscan" not in WORKFLOW


def test_the_example_lets_nothing_that_somebody_typed_become_a_part_of_a_script() -> None:
    scripts = re.findall(r"(?m)^ {8}run: (?:\|\n((?:^ {10}.*\n|\n)+)|(.*)$)", WORKFLOW)
    assert len(scripts) == 5
    assert not [script for script in scripts if "${{" in "".join(script)]


def test_the_example_pins_what_it_uses_by_commit() -> None:
    used = re.findall(r"uses: (\S+)", WORKFLOW)
    assert used
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", one) for one in used)
