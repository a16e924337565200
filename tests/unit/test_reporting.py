"""The reports: the verdict first, nothing green that is not, and nothing that a server said can steer anything."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.parsers import expat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reporting import html, junit, run_summary
from reporting.bundle import write, write_record
from reporting.run_diff import AMISS
from reporting.untrusted_text import excerpt, visible
from runbook.model.changes import Changes
from runbook.model.exits import INTERNAL_ERROR, INTERRUPTED, UNDETERMINED
from runbook.model.outcome import SIGNS, Attested, Mismatch, NotApplicable, Outcome, Undetermined
from runbook.model.record import Difference, Run, Scenario, Step, Verdict
from runbook.model.verdict import causes_with_consequences
from runbook.suite import recording
from tests.unit import report_example as example

README = Path(__file__).parents[2] / "reports" / "README.md"


def test_what_a_run_comes_to_is_known_by_more_than_its_words() -> None:
    """Whoever goes by it, as the page's colour and a case of JUnit's do, goes by one of a closed set."""
    wholes = (example.healthy(), example.run(), example.run([example.scenario("One", "2.2")], exit_code=INTERRUPTED))
    assert all(isinstance(one, Verdict) for one in (*map(run_summary.verdict, wholes), *html.TONES))


def test_the_outcomes_that_are_described_are_those_that_a_scenario_can_come_to() -> None:
    endings = (None, Mismatch(expected="", actual="", section=""), Undetermined(""), NotApplicable(""), Attested(""))
    table = README.read_text().partition("| Outcome |")[2].partition("\n\n")[0]
    described = re.findall(r"^\| (\S) ([a-z ]+) \|", table, re.MULTILINE)
    assert sorted(described) == sorted((SIGNS[one], one) for one in map(recording._outcome_of, endings))


class Page(HTMLParser):
    """What a browser would make of a page: its tags in order, their attributes, its text."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, attribute: str) -> list[str]:
        return [value for name, value in self.attributes if name == attribute]


def parsed(document: str) -> ET.Element:
    builder = ET.TreeBuilder()
    parser = expat.ParserCreate()
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.Parse(document, True)
    return builder.close()


def of_foreign(text: str) -> Run:
    """A run in which a server, or who ran it, said this wherever they have a say."""
    told = Step(
        keyword="Then",
        text=text,
        outcome=Outcome.FAILED,
        seconds=0,
        difference=Difference(expected=text, seen=text, go_to=text),
        evidence=(1,),
    )
    one = example.scenario(text, "2.1", Outcome.FAILED, feature=text, reason=text, missing_right=text, steps=[told])
    other = example.scenario("Other", "2.2", Outcome.UNDETERMINED, reason=text)
    exchange = example.exchanges()[0].model_copy(
        update={"question": text, "asked": text, "answer": text, "errors": text, "error": text}
    )
    run = example.run([one, other], [exchange], exit_code=1)
    return run.model_copy(update={"origin": run.origin.model_copy(update={"command": text, "operator": text})})


FOREIGN = st.text(min_size=1) | st.sampled_from(
    [example.HOSTILE, "<script>alert(1)</script>", "</pre></details><h1>passed", "{{ run }}", "]]>", "&lt;", "\r\n\x00"]
)


# The folder


def test_the_folder_holds_the_record_the_reports_and_the_sum_of_every_file(tmp_path: Path) -> None:
    run = example.healthy(tmp_path / "evidence.jsonl")

    report = write(run, tmp_path)

    assert report == tmp_path / "report.html"
    assert Run.model_validate_json((tmp_path / "run.json").read_text()) == run
    lines = [line.partition("  ") for line in (tmp_path / "SHA256SUMS").read_text().splitlines()]
    sums = {name: digest for digest, _, name in lines}
    assert list(sums) == ["evidence.jsonl", "junit.xml", "report.html", "run.json"]
    assert all(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest for name, digest in sums.items())


def test_the_same_run_makes_the_same_files(tmp_path: Path) -> None:
    sums = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        write(example.troubled(tmp_path / name / "evidence.jsonl"), tmp_path / name)
        sums.append((tmp_path / name / "SHA256SUMS").read_text())

    assert sums[0] == sums[1]


def test_the_record_stands_where_a_report_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Run) -> str:
        raise ValueError("no page today")

    monkeypatch.setattr(html, "render", broken)

    with pytest.raises(ValueError, match="no page today"):
        write(example.healthy(), tmp_path)
    assert list(tmp_path.iterdir()) == []  # whoever called is to record that, too

    write_record(example.healthy(), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"run.json", "SHA256SUMS"}


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(example.healthy(), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def disk_full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)

    with pytest.raises(OSError, match="No space left"):
        write(example.troubled(), tmp_path)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


# What an auditor is told to do


def commands_for_auditors() -> tuple[str, str]:
    sums, chain = re.findall(r"```sh\n(.*?)```", README.read_text(), re.DOTALL)
    return sums, chain


def run_by_an_auditor(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, timeout=20, check=False)


def test_an_untouched_folder_passes_both_of_the_checks_in_the_readme(tmp_path: Path) -> None:
    run = example.troubled(tmp_path / "evidence.jsonl")
    report = write(run, tmp_path)
    last = run.exchanges[-1].digest

    sums, chain = (run_by_an_auditor(command, tmp_path) for command in commands_for_auditors())

    assert sums.returncode == 0
    assert sums.stdout.count(": OK\n") == 4
    assert chain.stdout == f"{len(run.exchanges)} exchanges, the chain is whole, the last digest is {last}\n"
    assert last in report.read_text()


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda lines: [*lines[:2], lines[2].replace("success", "failure"), *lines[3:]], 3),
        (lambda lines: [*lines[:4], *lines[5:]], 5),
        (lambda lines: [lines[1], lines[0], *lines[2:]], 1),
    ],
    ids=["changed", "left out", "swapped"],
)
def test_a_changed_exchange_breaks_the_chain_of_the_readme(tmp_path: Path, change: object, line: int) -> None:
    evidence = tmp_path / "evidence.jsonl"
    example.healthy(evidence)
    assert callable(change)
    evidence.write_text("".join(change(evidence.read_text().splitlines(keepends=True))))

    done = run_by_an_auditor(commands_for_auditors()[1], tmp_path)

    assert done.returncode == 1
    assert f"line {line}: the chain is broken" in done.stderr


# The page


def heading(run: Run) -> str:
    found = re.search(r"<h1.*?</span> (.*?)</h1>", html.render(run))
    assert found
    return found[1]


def test_the_verdict_is_the_page_s_heading() -> None:
    passed, undetermined = (
        example.scenario("One", "2.1", outcome) for outcome in (Outcome.PASSED, Outcome.UNDETERMINED)
    )

    assert heading(example.healthy()) == "As the runbook says"
    assert heading(example.troubled()) == "Not as the runbook says"
    assert heading(example.run([undetermined], exit_code=UNDETERMINED)) == "Could not be determined"
    assert heading(example.run([passed], exit_code=INTERRUPTED, selected=9)) == "Incomplete"
    assert heading(example.empty()) == "Nothing was run"


def test_a_page_says_what_limits_its_verdict() -> None:
    passed = example.scenario("One", "2.1")

    assert "What limits this verdict" not in html.render(example.healthy())
    assert "Partial: 1 of 41 collected scenarios were selected" in html.render(example.run([passed], collected=41))
    unfinished = html.render(example.run([passed], selected=9, exit_code=INTERRUPTED))
    assert "Interrupted: the run was stopped early." in unfinished
    assert "Unfinished: 1 of 9 selected scenarios came to an outcome." in unfinished
    assert "The suite itself broke" in html.render(example.run([passed], exit_code=INTERNAL_ERROR))
    troubled = html.render(example.troubled())
    assert "The suite itself broke in 1 of 14 scenarios" in troubled
    assert "97.0 s behind laptop&#39;s" in troubled
    assert "uncommitted changes" in troubled


def test_a_page_is_not_green_where_the_suite_broke_beside_the_scenarios() -> None:
    passed = example.scenario("One", "2.1")
    broke = example.run([passed], exit_code=INTERNAL_ERROR).model_copy(
        update={"own_faults": ("no controls could be read",)}
    )

    assert heading(broke) == "As the runbook says"
    page = html.render(broke)
    assert "An internal error of the suite, outside the scenarios: no controls could be read." in page
    assert '<h1 class="undetermined">' in page
    assert 'errors="1"' in junit.render(broke)
    assert "no controls could be read" in junit.render(broke)


def test_a_page_says_that_the_file_of_the_evidence_is_not_whole() -> None:
    ends = "evidence.jsonl ends before exchange 7: No space left on device"
    page = html.render(example.healthy().model_copy(update={"evidence_incomplete": ends}))

    assert f"Evidence incomplete: {ends}." in page
    assert f"<strong>That file is not whole</strong> ({ends})" in page


def test_a_page_does_not_say_of_the_suite_what_git_did_not_tell() -> None:
    run = example.healthy()
    origin = run.origin.model_copy(update={"commit": None, "uncommitted_changes": None})
    page = " ".join(Page(html.render(run.model_copy(update={"origin": origin}))).text.split())

    assert "Whether the suite ran with uncommitted changes is not known: git did not say." in page
    assert "commit not known, with or without uncommitted changes: not known" in page


def test_a_cause_is_told_with_what_to_do_and_what_follows_from_it() -> None:
    page = Page(html.render(example.troubled())).text
    causes = page[page.index("What to do") : page.index("Contents")]
    in_order = [
        "The proxy sends requests to the running release",
        "a route to psyfit-web-1771913000",
        "Runbook section 2.3",
        "1 more could not be determined for the same reason:",
        "The service says that it is healthy",
        "Every disk has room",
        "less than 80 % everywhere",
        "/ 87 %, /var/backups/psyfit 91 %",
        "Runbook section 10",
        "The newest backup is complete",
        "no answer within 120 s",
    ]

    positions = [causes.index(words) for words in in_order]

    assert positions == sorted(positions)


@given(st.lists(st.tuples(st.sampled_from(Outcome), st.integers(0, 9)), max_size=20))
def test_whatever_is_amiss_is_a_cause_or_follows_from_one_and_is_told_once(drawn: list[tuple[Outcome, int]]) -> None:
    scenarios: list[Scenario] = []
    for number, (outcome, back) in enumerate(drawn):
        above = scenarios[-back] if 0 < back <= len(scenarios) else None
        follows = above if above and outcome is Outcome.UNDETERMINED and above.outcome in AMISS else None
        reason = f"it stands on {follows.id}" if follows else f"reason {back}"
        one = example.scenario(str(number), "2.1", outcome, because=follows.id if follows else None, reason=reason)
        scenarios.append(one)
    told = [
        one.id for cause, following in causes_with_consequences(example.run(scenarios)) for one in (cause, *following)
    ]

    assert sorted(told) == sorted(one.id for one in scenarios if one.outcome in AMISS)


def test_an_exchange_stands_in_the_page_once_and_every_link_leads_somewhere() -> None:
    page = Page(html.render(example.troubled()))
    anchors = page.values("id")

    assert len(anchors) == len(set(anchors))
    assert set(page.values("href")) <= {f"#{anchor}" for anchor in anchors}
    assert page.values("href").count("#evidence-4") == 3
    assert anchors.count("evidence-4") == 1


def test_headings_skip_no_level() -> None:
    levels = [int(tag[1]) for tag in Page(html.render(example.troubled())).tags if re.fullmatch("h[1-6]", tag)]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_a_page_needs_nothing_from_elsewhere() -> None:
    page = Page(html.render(example.troubled()))

    assert not {"link", "img", "iframe", "object", "base", "form"} & set(page.tags)
    assert not page.values("src")
    assert "url(" not in page.text
    assert "@import" not in page.text


def test_a_page_allows_its_own_style_and_script_and_no_other() -> None:
    document = html.render(example.troubled())
    (policy,) = re.findall(r'Content-Security-Policy" content="(.*?)"', document)

    assert "unsafe" not in policy
    assert policy.startswith("default-src &#39;none&#39;; ")
    for tag in ("style", "script"):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", document, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;;" in policy
    assert not [name for name, _ in Page(document).attributes if name == "style" or name.startswith("on")]


def test_a_page_begins_with_what_changed() -> None:
    page = " ".join(Page(html.render(example.troubled())).text.split())
    changed = page[page.index("What changed Since") : page.index("What to do ✗")]
    in_order = [
        "Mon, 23 Feb 2026 08:00:12 UTC, 24 h earlier: 2026-02-23T080011Z-verify-lab",
        "Passed over: 2026-02-24T075903Z-verify-lab has no run.json",
        "1 newly failing The proxy sends requests to the running release section 2.3, passed → failed",
        "2 newly undetermined The newest backup is complete",
        "1 more The service says that it is healthy",
        "1 healed The log agrees section 5.2, failed → passed",
        "2 otherwise changed Every encrypted backup is intact section 5.2, passed → not applicable",
        "1 still failing Every disk has room section 6.3, since 20 Feb 2026, 4 days",
        "1 still undetermined Every job ended well section 6.4, since 23 Feb 2026, 25 h",
        "1 only in this run The operator rehearsed the call list section 10, attested now",
        "1 only in that run Every key is in the keyring section 8.1, passed then",
    ]
    at = 0
    for words in in_order:
        assert words in changed[at:], words
        at = changed.index(words, at) + len(words)


def test_a_page_says_so_where_there_was_no_run_before() -> None:
    first = example.healthy().model_copy(update={"changes": Changes(earlier=None)})
    same = example.healthy().model_copy(update={"changes": Changes(earlier=example.YESTERDAY)})

    assert "There is no earlier run of this target that it could be compared with." in Page(html.render(first)).text
    assert "nothing changed" in Page(html.render(same)).text
    assert "What changed" not in Page(html.render(example.healthy())).text


def test_scenarios_can_be_chosen_by_outcome_severity_section_and_control() -> None:
    run = example.troubled()
    page = Page(html.render(run))
    (told,) = {len(page.values(f"data-{name}")) for name in ("outcome", "severity", "section")}

    assert told == len(run.scenarios)
    assert set(page.values("data-outcome")) | set(page.values("data-severity")) <= set(page.values("value"))
    assert set(page.values("data-section")) | {"2", "5", "A.8.13"} <= set(page.values("value"))
    assert "5.2 6.4" in page.values("data-sections")


def test_a_long_answer_is_cut_and_the_page_says_so() -> None:
    document = html.render(example.troubled())

    assert "characters are left out here; run.json and evidence.jsonl hold them." in document
    assert len(document) < 100_000


def test_a_report_supports_evidence_and_claims_no_more() -> None:
    for run in (example.healthy(), example.troubled(), example.empty()):
        document = html.render(run)
        assert "supports evidence for" in document
        assert "compliant with" not in document


def test_each_control_is_shown_with_its_outcomes_and_what_is_not_covered() -> None:
    page = " ".join(Page(html.render(example.troubled())).text.split())
    controls = page[page.index("Controls What this run supports evidence for.") : page.index("Evidence Every exchange")]
    in_order = [
        "ISO/IEC 27001:2022, Annex A",
        "A.8.13 Information backupNot covered: how long they have to be kept.",
        "5.2, 6.4no scenario in 5.4",
        "✓ 2 passed",
        "? 3 undetermined",
        "– 1 not applicable",
        "A.8.24 Use of cryptography",
        "not checked",
        "No scenario covers:",
        "A.8.2 Privileged access rights",
        "NIST SP 800-53 r5",
        "No scenario covers:",
        "IA-5(7) No Embedded Unencrypted Static Authenticators no scenario in 8.3",
    ]
    at = 0
    for words in in_order:
        assert words in controls[at:], words
        at = controls.index(words, at) + len(words)


def test_a_run_that_was_handed_no_controls_has_none_in_its_page() -> None:
    assert "Controls" not in Page(html.render(example.healthy())).text


PLAIN = Page(html.render(of_foreign("plain")))


@settings(max_examples=40, deadline=None)
@given(FOREIGN)
def test_foreign_text_is_nothing_but_text(text: str) -> None:
    page = Page(html.render(of_foreign(text)))

    assert page.tags == PLAIN.tags
    assert all(character in "\n\t" or character.isprintable() or character.isspace() for character in page.text)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", page.text)


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "printed"])
def test_every_colour_of_text_can_be_read_on_both_grounds(scheme: int) -> None:
    style = html.render(example.healthy())
    palette = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[scheme]
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", palette))

    for ground in ("paper", "raised"):
        for ink in ("ink", "quiet", "link", "good", "bad", "open"):
            assert contrast(colours[ink], colours[ground]) >= 4.5, f"{ink} on {ground}"


def contrast(one: str, other: str) -> float:
    """WCAG 2: 4.5 or more is level AA."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# JUnit


def test_ci_sees_every_outcome_for_what_it_is() -> None:
    root = parsed(junit.render(example.troubled()))
    results = {
        case.get("name"): [child.tag for child in case if child.tag not in ("properties", "system-out")]
        for case in root.iter("testcase")
    }

    assert results["Every disk has room"] == ["failure"]
    assert results["The newest backup is complete"] == ["error"]
    assert results["Every job ended well"] == ["error"]
    assert results["Every encrypted backup is intact"] == ["skipped"]
    assert results["Every container is up"] == results["The off-site copy is there"] == []
    assert {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "14",
        "failures": "2",
        "errors": "4",
        "skipped": "1",
    }
    assert [suite.get("name") for suite in root][-2:] == ["6.4 Monitoring and alerts", "10 When in doubt"]


def test_a_failure_says_what_was_expected_and_where_to_go() -> None:
    root = parsed(junit.render(example.troubled()))
    case = next(case for case in root.iter("testcase") if case.get("name") == "Every disk has room")

    assert case.get("classname") == "6.3/Monitoring and alerts"
    assert [failure.get("message") for failure in case.iter("failure")] == [
        "expected: less than 80 % everywhere\nseen: / 87 %, /var/backups/psyfit 91 %\ngo to: runbook section 10"
    ]
    assert {one.get("name"): one.get("value") for one in case.iter("property")} == {
        "id": "every-disk-has-room",
        "section": "6.3",
        "severity": "major",
        "outcome": "failed",
    }


def test_a_test_case_names_the_controls_that_its_section_supports_evidence_for() -> None:
    root = parsed(junit.render(example.troubled()))
    named = {
        case.get("name"): [one.get("value") for one in case.iter("property") if one.get("name") == "control"]
        for case in root.iter("testcase")
    }

    assert named["The log agrees"] == ["ISO/IEC 27001:2022, Annex A: A.8.13"]
    assert named["Every disk has room"] == []


def test_a_run_of_nothing_or_of_a_part_is_not_green() -> None:
    passed = example.scenario("One", "2.1")
    short = example.run([passed], selected=9, exit_code=INTERRUPTED)
    broken = example.run([passed], exit_code=INTERNAL_ERROR)

    assert [parsed(junit.render(run)).get("errors") for run in (example.empty(), short, broken)] == ["1", "1", "1"]
    assert parsed(junit.render(example.healthy())).get("errors") == "0"


@settings(max_examples=40, deadline=None)
@given(FOREIGN)
def test_junit_is_xml_whatever_the_server_said(text: str) -> None:
    root = parsed(junit.render(of_foreign(text)))

    assert [child.tag for child in root] == ["testsuite", "testsuite"]
    assert next(root.iter("failure")).get("message", "").count(visible(text).strip()) >= 3


# Foreign text


def test_what_cannot_be_seen_is_made_visible() -> None:
    assert visible("a\x1b[31m\x00\r") == "a⟨U+001B⟩[31m⟨U+0000⟩⟨U+000D⟩"
    assert visible("txt\u202egpj\u2066\u200b\ufeff") == "txt⟨U+202E⟩gpj⟨U+2066⟩⟨U+200B⟩⟨U+FEFF⟩"
    assert visible(f"{example.JAPANESE}\n\tend") == f"{example.JAPANESE}\n\tend"


@given(st.text(), st.integers(4, 50))
def test_an_excerpt_keeps_both_ends_and_counts_the_rest(text: str, longest: int) -> None:
    part = excerpt(text, longest)

    assert text.startswith(part.head)
    assert text.endswith(part.tail)
    assert len(part.head) + part.left_out + len(part.tail) == len(text)
    assert len(part.head) + len(part.tail) <= longest


def test_the_example_of_the_readme_s_chain_is_what_the_engine_writes(tmp_path: Path) -> None:
    example.healthy(tmp_path / "evidence.jsonl")

    first = json.loads((tmp_path / "evidence.jsonl").read_text().splitlines()[0])

    assert list(first)[-1] == "digest"
    assert first["previous"] == "0" * 64
