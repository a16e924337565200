"""``runbook doctor``: which rights the suite has on a server, right by right, and what is lost without each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table
from rich.text import Text

from commands import open_drill_notice
from commands.pytest_runner import Server, run_features
from runbook.drill import journal
from runbook.model import exits, rights
from runbook.model.git_as_owner import answered, asking_git
from runbook.model.outcome import Undetermined
from runbook.model.outside_questions import GitHubGet, S3Get, TlsHandshake
from runbook.model.question import Command, ListContainers
from runbook.model.rights import Right
from runbook.model.target import Target
from runbook.model.target_file import load
from runbook.observation.evidence import Evidence
from runbook.observation.observer import Observer
from runbook.observation.redaction import Redactor
from runbook.process import signals
from runbook.suite.features import section_order
from runbook.suite.plan import Planned
from runbook.suite.terminal import clean

TOUCH_EDGE = TlsHandshake()
TOUCH_ENGINE = ListContainers()
TOUCH_BUCKET = S3Get("get_bucket_versioning")
TOUCH_GITHUB = GitHubGet("/repos/{repository}/actions/secrets?per_page=1")
WHO = Command("id -u", needs=rights.ROOT)
TOUCH_CLONE = Command(asking_git("ask_git {app} rev-parse HEAD"), needs=rights.CLONE)


def doctor(*, target: Server) -> int:
    """Tell, right by right, whether it is there, what it is for, and which sections are lost without it."""
    server = load(target)
    planned = _Planned()
    code = run_features("--plan", target=target, plugins=[planned])
    if code != exits.COMPLIANT:
        return code
    missing = _missing(server, target)
    _show(server, missing, planned.sections_by_right())
    return exits.UNDETERMINED if missing else exits.COMPLIANT


@dataclass
class _Planned:
    """Takes the plan of all features from the plugin."""

    questions: list[Planned] = field(default_factory=list)

    def pytest_runbook_planned(self, planned: tuple[Planned, ...]) -> bool:
        self.questions.extend(planned)
        return True

    def sections_by_right(self) -> dict[str, list[str]]:
        found: dict[str, set[str]] = {}
        for question in self.questions:
            found.setdefault(question.right, set()).update(question.sections)
        return {right: sorted(sections, key=section_order) for right, sections in found.items()}


def _missing(target: Target, given: str) -> dict[Right, str]:
    """The rights that are not there, and what was said when they were tried; says before what a drill left open."""
    redactor = Redactor()
    observer = Observer(target, Evidence(redactor), redactor, journal.NAMES)
    try:
        open_drill_notice.asked(observer, given)()
        return _tried(target, observer)
    finally:
        with signals.deferred():
            observer.close()


def _tried(target: Target, observer: Observer) -> dict[Right, str]:
    tries: dict[Right, Callable[[], object]] = {
        rights.NETWORK: lambda: observer.put(TOUCH_EDGE)().required(),
        rights.LOGIN: observer.identify,
        rights.DOCKER: lambda: observer.put(TOUCH_ENGINE)().required(),
        rights.ROOT: lambda: _be_root(observer),
        rights.CLONE: lambda: answered(observer.put(TOUCH_CLONE)().required(), "the clone"),
        rights.S3: lambda: observer.put(TOUCH_BUCKET)().required(),
        rights.GITHUB: lambda: _list_secrets(observer),
    }
    missing = {}
    for right in _asked_of(target):
        try:
            tries[right]()
        except Undetermined as error:
            missing[right] = error.reason
    return missing


def _asked_of(target: Target) -> tuple[Right, ...]:
    """The rights that are of use there: those on the server, and those that the target has an object for."""
    beside = {rights.S3: target.offsite.bucket, rights.GITHUB: target.github.repository}
    return (*rights.ALL, *(right for right, thing in beside.items() if thing))


def _be_root(observer: Observer) -> None:
    identity = observer.put(WHO)().required().required("the account's number").out.strip()
    if identity != "0":
        raise Undetermined(f"the account is not root (its number is {identity})")


def _list_secrets(observer: Observer) -> None:
    status = observer.put(TOUCH_GITHUB)().required().status
    if status != 200:  # 404 is also what a token is told that may not see the repository
        raise Undetermined(f"GitHub's API answers {status}")


def _show(target: Target, missing: dict[Right, str], sections: dict[str, list[str]]) -> None:
    console = Console(highlight=False)
    console.print(Text(f"{target.name} ({target.environment}): what the suite may do there", "bold"))
    table = Table.grid(padding=(0, 2))
    asked = _asked_of(target)
    for right in asked:
        asked_by = ", ".join(sections.get(right.name, ())) or "no section"
        if right not in missing:
            table.add_row(Text("✓", "green"), Text(right.name, "bold"), f"{right.purpose} (sections {asked_by})")
            continue
        told = Text.assemble(
            f"{right.purpose}\nnot checked without it: sections {asked_by}\n",
            ("seen: ", "dim"),
            clean(missing[right]),
            ("\ngrant: ", "dim"),
            right.grant,
        )
        table.add_row(Text("✗", "bold red"), Text(right.name, "bold"), told)
    console.print(table)
    verdict = "every right is there" if not missing else f"{len(missing)} of {len(asked)} rights are missing"
    console.print(Text(verdict, "green" if not missing else "bold yellow"))
