"""What the observer lets into the evidence, and when."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, MutableMapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runbook import connection, rights
from runbook.evidence import Evidence
from runbook.observer import Observer
from runbook.outcome import Undetermined
from runbook.question import (
    S3,
    Command,
    Containers,
    Dns,
    GitHub,
    Http,
    HttpAnswer,
    Images,
    Output,
    Port,
    Question,
    Tls,
)
from runbook.redaction import MASK, Redactor
from runbook.target import Edge, Ssh, Target
from tests.unit.hostile import OK, saying, serving

TARGET = Target(
    name="here",
    environment="staging",
    address="127.0.0.1",
    domain="service.example",
    ssh=Ssh(local=True),
    edge=Edge(database_page="/clinics?all=1"),
)
VALUE = "-".join(("correct", "horse"))
SAYS_IT = Command(f"echo {VALUE}")


class Line:
    """An observer of this machine and its evidence; its engine and its edge answer what they are told to."""

    def __init__(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.redactor = Redactor()
        self.file = file
        self.evidence = Evidence(self.redactor, file)
        self.observer = Observer(TARGET, self.evidence, self.redactor, {})
        self.body = "somebody"
        self.engine_answers = True
        monkeypatch.setattr(self.observer, "_containers", self._containers)
        monkeypatch.setattr(self.observer._outside, "http", lambda _: HttpAnswer(200, {"x-a": "b"}, self.body))

    def _containers(self, _: Containers) -> tuple[dict[str, Any], ...]:
        if not self.engine_answers:
            raise Undetermined("the engine says nothing")
        self.redactor.learn(VALUE)
        return ()


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    found = Line(tmp_path / "evidence.jsonl", monkeypatch)
    yield found
    found.observer.close()
    found.evidence.close()


def test_what_was_answered_before_the_containers_holds_no_value_that_they_told(line: Line) -> None:
    line.observer.expect([SAYS_IT, Containers()])
    told = line.observer.put(SAYS_IT)()
    assert told.required().lines == (VALUE,)
    assert line.file.read_text() == ""
    line.observer.put(Containers())()
    assert VALUE not in line.file.read_text()
    assert line.evidence.exchanges[0].answer == f"{MASK}\n"


def test_containers_that_cannot_be_asked_hold_nothing_back_any_longer(line: Line) -> None:
    line.engine_answers = False
    line.observer.expect([Containers()])
    line.observer.put(Command("echo 1"))()
    line.observer.put(Containers())()
    assert len(line.file.read_text().splitlines()) == 2


def test_of_what_only_root_sees_no_answer_is_kept_where_the_containers_did_not_tell_their_values(line: Line) -> None:
    line.engine_answers = False
    line.observer.expect([SAYS_IT, Containers()])
    told = line.observer.put(replace(SAYS_IT, needs=rights.ROOT))()
    line.observer.put(Containers())()
    assert told.required().lines == (VALUE,)
    assert VALUE not in line.evidence.exchanges[0].answer


def test_nothing_is_held_back_where_nobody_will_ask_of_containers(line: Line) -> None:
    line.observer.expect([SAYS_IT])
    line.observer.put(Command("echo 1"))()
    assert line.file.read_text()


@pytest.mark.parametrize("keep", [True, False])
def test_a_body_is_kept_or_its_length_alone(line: Line, keep: bool) -> None:
    told = line.observer.put(Http("{database_page}", keep_body=keep))()
    (kept,) = line.evidence.exchanges
    assert told.required().body == line.body
    assert kept.asked == "GET https://service.example/clinics?all=1"
    assert kept.status == 200
    assert "x-a: b" in kept.answer
    assert (line.body in kept.answer) is keep
    assert ("8 characters" in kept.answer) is not keep


def test_an_answer_that_may_be_about_somebody_is_not_kept(line: Line) -> None:
    told = line.observer.put(Command("echo Hanako", keep_answer=False))()
    assert told.required().lines == ("Hanako",)
    assert line.evidence.exchanges[-1].answer == "[7 characters, not kept]"
    assert "Hanako\\n" not in line.file.read_text()


# Which thread may touch what


class Watched(MutableMapping[str, str]):
    """The environment, and which threads have walked or changed it."""

    def __init__(self, kept: MutableMapping[str, str]) -> None:
        self._kept = kept
        self.walked_by: set[threading.Thread] = set()
        self.changed_by: set[threading.Thread] = set()

    def __getitem__(self, name: str) -> str:
        return self._kept[name]

    def __iter__(self) -> Iterator[str]:
        self.walked_by.add(threading.current_thread())
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def __setitem__(self, name: str, value: str) -> None:
        self.changed_by.add(threading.current_thread())
        self._kept[name] = value

    def __delitem__(self, name: str) -> None:
        self.changed_by.add(threading.current_thread())
        del self._kept[name]

    def copy(self) -> dict[str, str]:
        self.walked_by.add(threading.current_thread())
        return dict(self._kept)


JSON = OK + b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"
QUESTIONS: tuple[Question[Any], ...] = (
    Command("echo 1"),
    Command("echo 1", lane="docker"),
    Command("echo 1", lane="slow"),
    Containers(),
    Images(),
    Http("/", scheme="http"),
    Http("/"),
    GitHub("/"),
    S3("get_bucket_versioning"),
    S3("head_object").of("a.sql.gz"),
    Tls(),
    Tls(trusted=True, at_most="TLSv1.2"),
    Dns(seconds=0.1),
    Port("http"),
    Port("https"),
    Port("ssh"),
)
"""Each kind there is."""

ALL_KINDS = """\
import sys
from pathlib import Path
from tests.unit import test_observer
sys.exit(test_observer.ask_all(Path({folder!r})))
"""


def ask_all(folder: Path) -> str | None:
    """Ask a question of each kind, as a run does, and say what its threads have touched that they may not."""
    connection.DOCKER_SOCKET = str(folder / "docker.sock")
    os.environ |= {"ITS_KEY": "AKIDOFFSITE", "ITS_SECRET": "made-up", "ITS_TOKEN": "made-up"}
    watched = os.environ = Watched(os.environ)  # type: ignore[assignment]
    with serving(saying(JSON), folder / "docker.sock"), serving(saying(JSON)) as port:
        here = f"http://127.0.0.1:{port}"
        facts = {
            **TARGET.model_dump(exclude={"edge", "dns", "github", "offsite"}),
            "edge": {"https_port": port, "http_port": port},
            "dns": {"resolver": "127.0.0.1", "port": port},
            "github": {"api": here, "repository": "psyfit/psyfit", "token_variable": "ITS_TOKEN"},
            "offsite": {
                "bucket": "kept",
                "endpoint": here,
                "key_variable": "ITS_KEY",
                "secret_variable": "ITS_SECRET",
            },
        }
        redactor = Redactor()
        evidence = Evidence(redactor, folder / "evidence.jsonl")
        observer = Observer(Target.model_validate(facts), evidence, redactor, {})
        observer.expect(QUESTIONS)
        loggers, watched.walked_by, watched.changed_by = set(logging.root.manager.loggerDict), set(), set()
        told = [asked.result(20) for asked in [observer.asked(question) for question in QUESTIONS]]
        observer.close()
        evidence.close()
    touched = {
        "loggers": set(logging.root.manager.loggerDict) - loggers,
        "the environment, walked": watched.walked_by - {threading.main_thread()},
        "the environment, changed": watched.changed_by,
    }
    if len(told) != len(QUESTIONS) or sum(one.error is None for one in told) < len(QUESTIONS) / 2:
        return f"too little was asked: {[str(one.error) for one in told]}"
    return str(touched) if any(touched.values()) else None


def test_no_thread_touches_what_pytest_walks(tmp_path: Path) -> None:
    """In a process of its own, where nothing is imported yet and no logger is made."""
    here = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", ALL_KINDS.format(folder=str(tmp_path))], cwd=here, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_only_some_need_is_made_ready_where_it_will_be_asked_and_there_alone() -> None:
    """It takes a tenth of a second, and much memory."""
    script = (
        "import sys; from runbook.observer import Observer; from runbook.question import *; "
        "from tests.unit.test_observer import TARGET; from runbook.redaction import Redactor; "
        "from runbook.evidence import Evidence; "
        "observer = Observer(TARGET, Evidence(Redactor()), Redactor(), {}); "
        "observer.expect([S3('get_bucket_acl'), Containers()]); observer.close(); "
        "sys.exit(any(one in sys.modules for one in ('boto3', 'botocore', 'docker', 'requests', 'urllib3')))"
    )
    here = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", script], cwd=here).returncode == 0


def test_a_greeting_that_is_none_is_no_fault_of_ours(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    greeting: Future[Output] = Future()
    greeting.set_result(Output(0, "Welcome\nnever\n", ""))
    monkeypatch.setattr(line.observer.connection, "ready", lambda: greeting)
    with pytest.raises(Undetermined, match="the server's greeting could not be read"):
        line.observer.greeting()
