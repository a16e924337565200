"""A drill from the interlock to the steady state after it, by this machine's own shell, in a folder for a server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runbook.model.record import Run
from tests.unit.test_plugin import TARGET

pytest_plugins = ["pytester"]

CONFTEST = """\
from dataclasses import replace
from pathlib import Path

from runbook.drill import interlock, journal, session
from runbook.drill.interlock import SteadyState
from runbook.observation import catalogue

PLACE = Path(__file__).parent / "server"
FOLDER = str(PLACE / "journal")

def here(question):
    script = question.script.replace(journal.FOLDER, FOLDER).replace("/etc/psyfit-lab", str(PLACE / "lab"))
    return replace(question, script=script.replace("id -u", "echo 0"))

interlock.WHO, journal.OPEN = here(interlock.WHO), here(journal.OPEN)
journal.FOLDER = session.FOLDER = FOLDER
journal.PASSED = f"{FOLDER}/passed"

import acting

pytest_plugins = ["runbook.suite.plugin", "sentences"]
CATALOGUE = catalogue.read([acting])
globals().update(CATALOGUE.fixtures())

def pytest_runbook_catalogue():
    return CATALOGUE

def pytest_runbook_steady_state(snapshot):
    names = sorted(path.name for path in (PLACE / "things").iterdir())
    return SteadyState({"things": ", ".join(names)}, ("the thing is broken",) if "broken" in names else ())

def pytest_runbook_finished(run, folder):
    (folder / "run.json").write_text(run.model_dump_json())
    return folder / "run.json"
"""

ACTING = """\
from pathlib import Path

from runbook.model.action import Action
from runbook.observation.snapshot import Snapshot
from runbook.model.question import Command

PLACE = str(Path(__file__).parent / "server" / "things")
MAKE = Action(
    "[ -e PLACE/{thing} ] && exit 1; echo drill > PLACE/{thing}".replace("PLACE", PLACE),
    undo='''[ -e PLACE/{thing} ] || exit 0
[ "$(cat PLACE/{thing})" = drill ] || {{ echo "interfered: somebody else has changed {thing}"; exit 3; }}
rm PLACE/{thing}; echo {thing} >> PLACE/../undone'''.replace("PLACE", PLACE),
)
LIST = Command("ls PLACE".replace("PLACE", PLACE))
WAIT = Action(f"echo waiting > {PLACE}/../waiting; exec tail -f /dev/null", undo="true", seconds=5)
STUBBORN = Action("true", undo="echo it will not; exit 1")
SLOW = Action("true", undo=f"echo undoing > {PLACE}/../undoing; exec tail -f /dev/null", undo_seconds=20)
"""

SENTENCES = """\
from pathlib import Path

from pytest_bdd import parsers, then, when

import acting
from runbook.model.outcome import Undetermined, require

@when(parsers.parse("{thing} is made"))
def make(executor, thing):
    executor.do(acting.MAKE.with_values(thing=thing)).required("the making")

@when("somebody changes one")
def change():
    Path(acting.PLACE, "one").write_text("somebody")

@when("it waits")
def wait(executor):
    executor.do(acting.WAIT)

@when("something is done that is undone slowly")
def slow(executor):
    executor.do(acting.SLOW)

@when("its heart is stopped")
def stop_heart(executor):
    executor._heart.kill()
    executor._heart.wait()

@when("somebody recovers")
def recover(executor):
    from runbook.drill import journal
    beat = Path(journal.FOLDER, "beat")
    beat.unlink()
    import subprocess
    subprocess.run(["sh", Path(journal.FOLDER, "recover.sh")], check=True)

@when("something is done that cannot be undone")
def stubborn(executor):
    executor.do(acting.STUBBORN)

@then(parsers.parse("{thing} is there"))
def there(executor, thing):
    seen = executor.snapshot().ask(acting.LIST).out.split()
    executor.measure("things", str(len(seen)))
    require(thing in seen, expected=thing, actual=seen, section="9")

@then("it cannot be determined")
def not_told():
    raise Undetermined("it is dark")
"""


@pytest.fixture
def server(pytester: pytest.Pytester) -> Path:
    """A folder that stands for the server, beside a small suite that drills it."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(acting=ACTING, sentences=SENTENCES)
    pytester.makefile(".toml", target=TARGET)
    place = Path(pytester.path, "server")
    (place / "things").mkdir(parents=True)
    (place / "lab").touch()
    return place


def drilled(server: Path, sentences: str, *options: str) -> tuple[int, Run]:
    """Run a drill of these sentences in a process of its own; its exit code and record."""
    process = started(server, sentences, *options)
    out, _ = process.communicate(timeout=60)
    return process.returncode, record(server, out)


def started(server: Path, sentences: str, *options: str) -> subprocess.Popen[str]:
    feature = f"Feature: 9. Things\n@rb-9.1 @drill @major\nRule: 9.1 Making\nScenario: Make\n{sentences}\n"
    (server.parent / "one.feature").write_text(feature)
    command = [
        *(sys.executable, "-m", "pytest", "--disable-plugin-autoload", "-ppytest_bdd.plugin", "-pno:cacheprovider"),
        *("--target=target.toml", "--run-kind=drill", *options, "one.feature"),
    ]
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root}:{server.parent}"}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=server.parent, env=environment, stdout=pipe, stderr=subprocess.STDOUT, text=True
    )


def record(server: Path, out: str) -> Run:
    records = list((server.parent / "reports").glob("*/run.json"))
    assert len(records) == 1, out
    return Run.model_validate_json(records[0].read_text())


def undone(server: Path) -> list[str]:
    path = server / "undone"
    return path.read_text().split() if path.exists() else []


def nothing_is_left(server: Path) -> bool:
    return list((server / "things").iterdir()) == list((server / "journal" / "journal").iterdir()) == []


def test_what_a_drill_does_is_undone_newest_first(server: Path) -> None:
    code, run = drilled(server, "When one is made\nWhen two is made\nThen two is there")
    (scenario,) = run.scenarios
    assert (code, scenario.outcome, scenario.how_it_ran) == (0, "passed", "completed")
    assert [(figure.name, figure.value) for figure in scenario.figures] == [("things", "2")]
    assert undone(server) == ["two", "one"]
    assert nothing_is_left(server)


def test_every_act_and_its_answer_is_evidence(server: Path) -> None:
    _, run = drilled(server, "When one is made")
    (step,) = run.scenarios[0].steps
    questions = {run.exchanges[sequence - 1].question for sequence in step.evidence}
    assert {"acting.MAKE", "journal.HOLD"} <= questions


@pytest.mark.parametrize(
    ("sentence", "code", "outcome"),
    [("Then two is there", 1, "failed"), ("Then it cannot be determined", 3, "undetermined")],
)
def test_a_sentence_that_does_not_hold_ends_the_drill_by_way_of_the_undo(
    server: Path, sentence: str, code: int, outcome: str
) -> None:
    ended, run = drilled(server, f"When one is made\n{sentence}\nWhen two is made")
    assert (ended, run.scenarios[0].outcome, run.scenarios[0].how_it_ran) == (code, outcome, "stopped")
    assert undone(server) == ["one"]
    assert nothing_is_left(server)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_drill_by_way_of_the_undo(server: Path, ending: signal.Signals) -> None:
    process = started(server, "When one is made\nWhen it waits")
    _until_it_waits(server, process)
    process.send_signal(ending)
    out, _ = process.communicate(timeout=30)
    run = record(server, out)
    assert (process.returncode, run.scenarios[0].how_it_ran) == (130, "interrupted"), out
    assert undone(server) == ["one"]
    assert nothing_is_left(server)


def test_after_a_killed_runner_recover_sh_alone_undoes_everything(server: Path) -> None:
    process = started(server, "When one is made\nWhen it waits")
    _until_it_waits(server, process)
    process.kill()
    process.communicate(timeout=30)
    recovered = subprocess.run(["sh", server / "journal" / "recover.sh"], capture_output=True, text=True, timeout=30)
    assert recovered.returncode == 0, recovered.stderr
    begin, *entries, end = recovered.stdout.splitlines()
    assert begin.startswith("begin: 2 to undo, at most ")
    assert [line.split()[:2] for line in entries] == [["undone", "0002.sh"], ["undone", "0001.sh"]]
    assert end == "end: 2 undone, 0 interfered, 0 failed"
    assert nothing_is_left(server)
    again = subprocess.run(["sh", server / "journal" / "recover.sh"], capture_output=True, text=True, timeout=30)
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "end: 0 undone, 0 interfered, 0 failed")


def test_an_undo_goes_on_at_the_second_interrupt_and_is_left_at_the_third(server: Path) -> None:
    process = started(server, "When one is made\nWhen something is done that is undone slowly\nWhen it waits")
    _until(server / "waiting", process)
    process.send_signal(signal.SIGINT)
    _until(server / "undoing", process)
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    said = next(line for line in iter(process.stdout.readline, "") if "undoing" in line)
    assert "undoing what the drill has done; this is not skipped (a third interrupt leaves it)\n" in said
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=15)
    how = f"`runbook recover --target target.toml` or {server}/journal/recover.sh on the server undoes what is open"
    assert f"the undo was left: {how}" in out
    (scenario,) = record(server, out).scenarios
    assert (process.returncode, scenario.how_it_ran, scenario.reason) == (
        130,
        "interrupted",
        f"the undo was left: {how}",
    )


def test_an_interrupted_drill_whose_undo_fails_has_failed_and_was_interrupted(server: Path) -> None:
    process = started(server, "When something is done that cannot be undone\nWhen it waits")
    _until(server / "waiting", process)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    (scenario,) = record(server, out).scenarios
    assert (process.returncode, scenario.outcome, scenario.how_it_ran) == (130, "failed", "interrupted")
    assert "failed: 0001.sh it will not" in (scenario.reason or "")


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGHUP])
def test_an_undo_goes_on_where_the_screen_is_gone(server: Path, ending: signal.Signals) -> None:
    process = started(server, "When one is made\nWhen it waits")
    _until(server / "waiting", process)
    assert process.stdout is not None
    process.stdout.close()
    process.send_signal(ending)
    process.send_signal(ending)
    process.wait(30)
    assert undone(server) == ["one"]
    assert nothing_is_left(server)


def test_a_drill_that_somebody_has_recovered_does_nothing_more_and_says_so(server: Path) -> None:
    code, run = drilled(server, "When one is made\nWhen somebody recovers\nWhen two is made")
    (scenario,) = run.scenarios
    assert code == 1
    assert "somebody else has ended this drill with a recovery" in (scenario.reason or "")
    assert scenario.steps[2].reason == "this drill has been ended, so no act of it begins"
    assert undone(server) == ["one"]
    assert nothing_is_left(server)


def test_a_drill_whose_heart_has_stopped_does_nothing_more(server: Path) -> None:
    code, run = drilled(server, "When one is made\nWhen its heart is stopped\nWhen two is made\nThen two is there")
    assert (code, run.scenarios[0].how_it_ran) == (3, "stopped")
    assert run.scenarios[0].reason == "the heartbeat of this drill has stopped, so no act of it begins"
    assert undone(server) == ["one"]


def test_no_drill_begins_while_another_has_left_something_to_undo(server: Path) -> None:
    entries = server / "journal" / "journal"
    entries.mkdir(parents=True)
    (entries / "0001.sh").write_text("true\n")
    code, run = drilled(server, "When one is made")
    assert (code, run.scenarios[0].how_it_ran) == (4, "refused")
    assert run.scenarios[0].reason == (
        "a drill has left 1 changes to undo: `runbook recover --target target.toml` undoes them"
    )
    assert list((server / "things").iterdir()) == []


def test_what_is_missing_is_named_all_at_once(server: Path) -> None:
    (server / "lab").unlink()
    (server / "things" / "broken").touch()
    code, run = drilled(server, "When one is made")
    assert code == 4
    assert run.scenarios[0].reason is not None
    assert "is not marked as a lab" in run.scenarios[0].reason
    assert "the thing is broken" in run.scenarios[0].reason


def test_what_somebody_else_has_changed_is_let_be_and_named(server: Path) -> None:
    code, run = drilled(server, "When one is made\nWhen somebody changes one")
    assert (code, run.scenarios[0].outcome) == (1, "failed")
    assert "interfered: 0001.sh somebody else has changed one" in (run.scenarios[0].reason or "")
    assert (server / "things" / "one").read_text() == "somebody"


def test_an_undo_that_fails_makes_the_drill_fail_whatever_else_passed(server: Path) -> None:
    code, run = drilled(server, "When something is done that cannot be undone")
    assert (code, run.scenarios[0].outcome) == (1, "failed")
    assert "failed: 0001.sh it will not" in (run.scenarios[0].reason or "")


def test_a_run_that_only_looks_does_no_drill(server: Path) -> None:
    process = started(server, "When one is made", "--run-kind=verify")
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 2, out
    assert list((server / "things").iterdir()) == []


def test_a_plan_shows_each_command_with_its_undo_and_touches_nothing(server: Path) -> None:
    process = started(server, "When one is made\nThen one is there", "--plan")
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0, out
    assert "When one is made" in out
    assert f"echo drill > {server / 'things'}/<thing>" in out
    assert "undo: " in out
    assert not (server / "journal").exists()


def _until_it_waits(server: Path, process: subprocess.Popen[str]) -> None:
    """Wait for the drill's last act to begin."""
    _until(server / "waiting", process)


def _until(path: Path, process: subprocess.Popen[str]) -> None:
    """Wait until a drill has made this file."""
    for _ in range(300):
        if path.exists():
            return
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        pytest.fail(f"the drill ended by itself: {process.stdout.read() if process.stdout else ''}")
    pytest.fail(f"the drill did not come to {path.name} in 30 s")
