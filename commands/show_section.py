"""One section as `runbook show` prints it: sentences, and the commands that `--plan` prints too."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from rich.console import Console
from rich.text import Text

from commands import packages
from runbook.model.record import SEVERITIES
from runbook.model.target_file import load
from runbook.model.template import Facts, template_values
from runbook.observation.catalogue import Catalogue
from runbook.suite import plan, pytest_bdd_adapter
from runbook.suite.features import Scenario, Section, Sentence
from runbook.suite.plan import Planned, PlannedAction
from runbook.suite.terminal import show_action, show_question

OPEN = re.compile(r"(?<![\w<])<([a-z]\w*)>")
"""What stands for a thing that is not known here."""

OPTIONS = "flags"
OPTIONS_SENTENCE = (
    f"<{OPTIONS}>: every option that the proxy has for the service at that moment. A deploy to the proxy removes "
    "each one that it does not name, so a drill reads them from the proxy just before; without a server they are open."
)


def show(sections: Iterable[Section], target: str | None) -> None:
    """Print these sections, with the target's names where one is given.

    Raises:
        TargetError: Its file cannot be used.
    """
    facts = template_values(load(target)) if target else {}
    packages.meanings()
    page = _Page(Console(highlight=False), packages.read_catalogue(), facts)
    for section in sections:
        page.section(section)
    page.what_is_open(target)


class _Page:
    """The sections on the terminal; what has been shown once is named from then on."""

    def __init__(self, console: Console, catalogue: Catalogue, facts: Facts) -> None:
        self._console, self._catalogue, self._facts = console, catalogue, facts
        self._shown: dict[str, str] = {}

    def section(self, section: Section) -> None:
        self._console.print(Text(f"{section.number}  {section.title}", "bold underline"))
        for scenario in section.scenarios:
            self._console.print()
            head = Text.assemble("  ", (scenario.name, "bold"), (f"  {_marks(scenario)}", "dim"))
            self._console.print(head, soft_wrap=True)
            for sentence in scenario.sentences:
                self._sentence(sentence)
            self._questions(scenario)
        self._console.print()

    def what_is_open(self, target: str | None) -> None:
        """Say what stands for a thing that is not known here, and who can tell it."""
        names = dict.fromkeys(name for text in self._shown.values() for name in OPEN.findall(text))
        if not names:
            return
        who = "only the server itself knows" if target else "a target (--target) or only the server itself knows"
        self._console.print(Text(f"Open: {', '.join(f'<{name}>' for name in names)}: {who}."), soft_wrap=True)
        if OPTIONS in names:
            self._console.print(OPTIONS_SENTENCE, soft_wrap=True, markup=False)

    def _sentence(self, sentence: Sentence) -> None:
        self._console.print(Text(f"    {sentence}"), soft_wrap=True)
        for row in sentence.table:
            self._console.print(Text(f"      | {' | '.join(row)} |"), soft_wrap=True)
        for act in self._acts(sentence):
            show_action(self._console, act)
            self._shown[act.name] = f"{act.script}\n{act.undo}"

    def _questions(self, scenario: Scenario) -> None:
        asked = list(self._asked(scenario))
        for question in asked:
            if question.name not in self._shown:
                show_question(self._console, question, by="      ")
                self._shown[question.name] = question.asked
            else:
                self._console.print(Text.assemble("      ", (question.name, "bold"), ("  as above", "dim")))

    def _asked(self, scenario: Scenario) -> Iterator[Planned]:
        functions = [function for one in scenario.filled() for function in _functions(one)]
        checks = dict.fromkeys(check for function in functions for check in self._catalogue.checks_of(function))
        questions = dict.fromkeys(one for check in checks for one in self._catalogue.questions_of(check))
        return (plan.planned(question, self._catalogue, self._facts) for question in questions)

    def _acts(self, sentence: Sentence) -> Iterator[PlannedAction]:
        for function in _functions(sentence):
            yield from plan.planned_actions(function, self._catalogue, self._facts)


def _functions(sentence: Sentence) -> Iterator[Callable[..., Any]]:
    return (one.step_func for one in pytest_bdd_adapter.meanings_of(sentence.kind, sentence.text))


def _marks(scenario: Scenario) -> str:
    severity = next((one for one in SEVERITIES if one in scenario.tags), "")
    drills = sorted(f"runbook {tag.replace('-', ' ', 1)}" for tag in scenario.tags if tag.startswith("drill-"))
    gate = ["a deploy waits for it"] if "gate" in scenario.tags else []
    return " · ".join(filter(None, (severity, *gate, *drills)))
