"""A run as JUnit XML, for CI: one suite for each section. What could not be told is an error there, never a pass."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence

from reporting.run_summary import difference, gaps, sections
from reporting.untrusted_text import visible
from runbook.model.outcome import Outcome
from runbook.model.record import Run, Scenario, Verdict
from runbook.model.verdict import verdict_of


def render(run: Run) -> str:
    """The XML document.

    A run of nothing, or one that did not come to its end or broke beside its scenarios, holds a test case that says so
    as an error: it would look green otherwise.
    """
    root = ET.Element("testsuites", name=visible(f"{run.kind} {run.server.name}"))
    for section in sections(run):
        controls = [f"{one.framework}: {one.id}" for one in run.controls if section.number in one.sections]
        cases = [_case(scenario, controls) for scenario in section.scenarios]
        root.append(_suite(run, f"{section.number} {section.title}", section.seconds, cases))
    if (
        not run.scenarios
        or len(run.scenarios) < run.selected
        or run.own_faults
        or verdict_of(run) is Verdict.INCOMPLETE
    ):
        root.append(_suite(run, "run", 0, [_unfinished(run)]))
    _sum_up(root, root.iter("testcase"), (run.ended - run.started).total_seconds())
    ET.indent(root)
    return f"<?xml version='1.0' encoding='UTF-8'?>\n{ET.tostring(root, encoding='unicode')}\n"


def _suite(run: Run, name: str, seconds: float, cases: Sequence[ET.Element]) -> ET.Element:
    suite = ET.Element("testsuite", name=visible(name))
    suite.set("timestamp", run.started.isoformat())
    suite.set("hostname", visible(run.server.name))
    suite.extend(cases)
    _sum_up(suite, cases, seconds)
    return suite


def _sum_up(element: ET.Element, cases: Iterable[ET.Element], seconds: float) -> None:
    found = list(cases)
    element.set("tests", str(len(found)))
    for plural, child in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(plural, str(sum(case.find(child) is not None for case in found)))
    element.set("time", f"{seconds:.3f}")


def _case(scenario: Scenario, controls: Sequence[str]) -> ET.Element:
    case = ET.Element(
        "testcase",
        classname=visible(f"{scenario.section}/{scenario.section_title}"),
        name=visible(scenario.name),
        time=f"{scenario.seconds:.3f}",
        file=visible(scenario.file),
        line=str(scenario.line),
    )
    properties = ET.SubElement(case, "properties")
    for name, value in _properties(scenario, controls):
        ET.SubElement(properties, "property", name=name, value=visible(value))
    result = _result(scenario)
    if result is not None:
        case.append(result)
    ET.SubElement(case, "system-out").text = visible(_sentences(scenario))
    return case


def _properties(scenario: Scenario, controls: Sequence[str]) -> Iterable[tuple[str, str]]:
    yield "id", scenario.id
    yield "section", scenario.section
    yield "severity", scenario.severity
    yield "outcome", scenario.outcome
    if scenario.because:
        yield "because", scenario.because
    if scenario.missing_right:
        yield "missing_right", scenario.missing_right
    for control in controls:
        yield "control", control


def _result(scenario: Scenario) -> ET.Element | None:
    """The child that tells CI the outcome; waived and attested are compliant and have none, as passed."""
    match scenario.outcome:
        case Outcome.FAILED:
            return _element("failure", "failed", _what_failed(scenario))
        case Outcome.UNDETERMINED:
            kind = "internal error" if scenario.own_fault else "undetermined"
            return _element("error", kind, scenario.reason or "it could not be determined")
        case Outcome.NOT_APPLICABLE:
            return _element("skipped", "not applicable", scenario.reason or "it has no object on this server")
        case _:
            return None


def _element(name: str, kind: str, message: str) -> ET.Element:
    element = ET.Element(name, type=kind, message=visible(message))
    element.text = visible(message)
    return element


def _what_failed(scenario: Scenario) -> str:
    differs = difference(scenario)
    if differs is None:
        return scenario.reason or "the server is not as the runbook says"
    return f"expected: {differs.expected}\nseen: {differs.seen}\ngo to: runbook section {differs.go_to}"


def _sentences(scenario: Scenario) -> str:
    return "\n".join(f"{step.keyword} {step.text}: {step.outcome or 'not reached'}" for step in scenario.steps)


def _unfinished(run: Run) -> ET.Element:
    case = ET.Element("testcase", classname="run", name="Every selected scenario came to an outcome", time="0.000")
    case.append(_element("error", "undetermined", "\n".join(gaps(run)) or f"the run ended with {run.exit_code}"))
    return case
