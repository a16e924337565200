"""How long the reports of a run take, how much memory they need, and how both grow with the number of results."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median

from rich.table import Table

from reporting import bundle
from reporting.history import changes_of
from runbook.model.outcome import Outcome
from runbook.model.record import SEVERITIES, Difference, Exchange, Run, Scenario, Step
from runbook.observation.evidence import Evidence
from runbook.observation.redaction import Redactor
from runbook.suite import controls, features
from tests.unit import report_example as example

SIZES = (1_000, 3_000, 10_000)
RUNS = 5
SECONDS, MEGABYTES = 5, 500
"""The budget for the largest."""

OUTCOMES = (*[Outcome.PASSED] * 13, Outcome.FAILED, Outcome.UNDETERMINED, Outcome.NOT_APPLICABLE)
ANSWER = "0123456789abcdef kamal-proxy   Up 3 days (healthy)   psyfit-web-1771913000\n" * 20
OUR_PROCESS = (sys.executable, "-m", "tests.bench_report")
CHILD_SECONDS = 120


@dataclass(frozen=True)
class Taken:
    """What the reports of one run took: in a process of its own, start included, and in it from record to sums.

    The seconds of the processor are what other work on the machine does not lengthen.
    """

    process_seconds: float
    seconds: float
    cpu_seconds: float
    peak_megabytes: float
    page_megabytes: float


def report_of_10_000_results() -> Table:
    """From ``run.json`` to the page, JUnit and the sums, compared with a run before of the same size."""
    table = Table(
        "results",
        "seconds",
        "processor, s",
        "of it for 1,000",
        "whole process, s",
        "peak, MB",
        "page, MB",
        title=f"reports of one run, median of {RUNS} (budget for 10,000: {SECONDS} s, {MEGABYTES} MB)",
        title_justify="left",
    )
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            run = _kept_with_one_before(size, Path(folder))
            taken = [_taken(Path(folder) / run.id) for _ in range(RUNS)]
        cpu_seconds = median(one.cpu_seconds for one in taken)
        table.add_row(
            f"{size:,}",
            f"{median(one.seconds for one in taken):.2f}",
            f"{cpu_seconds:.2f}",
            f"{1000 * cpu_seconds / size:.3f}",
            f"{median(one.process_seconds for one in taken):.2f}",
            f"{median(one.peak_megabytes for one in taken):.0f}",
            f"{taken[0].page_megabytes:.1f}",
        )
    return table


def made_up(results: int, *, days: int = 0) -> Run:
    """A run of so many scenarios, on the example's date or as many days later.

    One in sixteen has failed, each for a reason of its own; one in sixteen could not be told, half of these because of
    another; four scenarios rest on three exchanges.
    """
    sections = [section for chapter in features.read() for section in chapter.sections]
    exchanges = tuple(_exchanges(1 + results * 3 // 4))
    scenarios = [
        _scenario(number, sections[number * len(sections) // results], len(exchanges), days)
        for number in range(results)
    ]
    run = example.run(
        scenarios,
        exchanges,
        exit_code=1,
        controls=controls.recorded(controls.load(), features.scenarios_of(features.read())),
    )
    started = run.started + timedelta(days=days)
    update = {"id": f"{started:%Y-%m-%dT%H%M%SZ}-verify-lab", "started": started, "ended": started}
    return run.model_copy(update=update)


def _scenario(number: int, section: features.Section, exchanges: int, days: int) -> Scenario:
    outcome = OUTCOMES[(number + days) % len(OUTCOMES)]
    evidence = (1 + number * 3 // 4 % exchanges, 1 + (number * 3 // 4 + 1) % exchanges)
    failing = Step(
        keyword="Then",
        text=f"fact {number} is as the runbook says",
        outcome=outcome,
        seconds=0.03,
        evidence=evidence,
        difference=Difference(expected="less than 80 % everywhere", seen=f"/srv/{number} 87 %", go_to="10")
        if outcome is Outcome.FAILED
        else None,
    )
    return example.scenario(
        f"Fact {number} of the server is as the runbook says",
        section.number,
        outcome,
        feature=section.title,
        severity=SEVERITIES[number % 3],
        reason=f"answer {number} cannot be read" if outcome is Outcome.UNDETERMINED else None,
        because=f"fact-{number - 1}-of-the-server-is-as-the-runbook-says"
        if outcome is Outcome.UNDETERMINED and number % 2
        else None,
        steps=[example.step(f"thing {number} is there", Outcome.PASSED, *evidence, keyword="Given"), failing],
    )


def _exchanges(count: int) -> Iterator[Exchange]:
    evidence = Evidence(Redactor())
    for number in range(count):
        evidence.record(
            question=f"containers.QUESTION_{number % 200}",
            asked=f"docker inspect psyfit-{number}",
            vantage="inside",
            started=example.BEGUN,
            seconds=0.031,
            status=0,
            answer=ANSWER,
        )
    return iter(evidence.exchanges)


def _kept_with_one_before(results: int, reports: Path) -> Run:
    before, run = made_up(results), made_up(results, days=1)
    for one in (before, run):
        (reports / one.id).mkdir()
        (reports / one.id / "run.json").write_text(one.model_dump_json(indent=2))
    return run


def _taken(folder: Path) -> Taken:
    begun = time.perf_counter()
    done = subprocess.run([*OUR_PROCESS, folder], capture_output=True, text=True, check=True, timeout=CHILD_SECONDS)
    taken = time.perf_counter() - begun
    seconds, cpu_seconds, kilobytes = map(float, done.stdout.split())
    page = (folder / "report.html").stat().st_size
    return Taken(taken, seconds, cpu_seconds, kilobytes / 1024, page / 1e6)


def main() -> None:
    """The process that is measured: make the reports of the record in this folder."""
    folder = Path(sys.argv[1])
    begun, begun_cpu = time.perf_counter(), time.process_time()
    run = Run.model_validate_json((folder / "run.json").read_bytes())
    run = run.model_copy(update={"changes": changes_of(run, folder.parent)})
    bundle.write(run, folder)
    seconds, cpu_seconds = time.perf_counter() - begun, time.process_time() - begun_cpu
    print(seconds, cpu_seconds, *re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text()))


if __name__ == "__main__":
    main()
