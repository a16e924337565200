"""``runbook lab``: the disposable server, and the faults that can be put on it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from lab import Refused, faults
from lab import down as taking_down
from lab import shell as shells
from lab import status as looking
from lab import up as making
from lab.edge import KAMAL_PROXY, Edge
from lab.server import DEFAULT_NAME, Server
from runbook.model import renamed

app = App(name="lab", help="A disposable PsyFit server on this machine, and the faults that can be put on it.")


def _can_name_a_lab(_type: object, name: str) -> None:
    try:
        Server(name)
    except Refused as error:
        raise ValueError(str(error)) from None


def _is_a_fault(_type: object, fault: str | None) -> None:
    if fault is not None and renamed.fault(fault) not in faults.names():
        raise ValueError(f"there is no fault {fault!r}; `runbook lab break --list` lists them")


Name = Annotated[
    str,
    Parameter(name="--name", validator=_can_name_a_lab, help="Which lab; several can exist at once."),
]
Scripts = Annotated[
    Path | None, Parameter(help="A folder with your own deploy.sh, backup.sh, …, in place of the lab's.")
]
Fault = Annotated[str | None, Parameter(validator=_is_a_fault, help="A fault id; see `break --list`.")]


@app.command
def up(
    *,
    name: Name = DEFAULT_NAME,
    edge: Annotated[
        Edge, Parameter(help="What terminates TLS: kamal-proxy itself, or nginx in front of it.")
    ] = KAMAL_PROXY,
    scripts: Scripts = None,
) -> None:
    """Make a lab: a healthy server that has been in use for a week."""
    making.up(name, edge=edge, scripts=scripts)


@app.command
def down(*, name: Name = DEFAULT_NAME) -> None:
    """Take a lab away, with all that it left on this machine."""
    if not taking_down.down(name):
        _console().print(f"there is no lab {name}")


@app.command
def status() -> None:
    """List the labs on this machine: address, age, and the faults that are on them."""
    labs = looking.status()
    if not labs:
        _console().print("no lab: `runbook lab up` makes one")
        return
    for lab in labs:
        if lab.running:
            _say_what_is_open(Server(lab.name))
    table = Table("name", "state", "edge", "address", "age", "faults", box=None, pad_edge=False)
    for lab in labs:
        state = "up" if lab.running else "down" if lab.address else "partially removed"
        table.add_row(
            lab.name, state, lab.edge or "-", lab.address or "-", _rounded(lab.age), ", ".join(lab.faults) or "none"
        )
    _console().print(table)


@app.command
def shell(
    *command: Annotated[str, Parameter(allow_leading_hyphen=True, help="What to run there; a shell by default.")],
    name: Name = DEFAULT_NAME,
    account: Annotated[str, Parameter(help="root, deploy (docker group, sudo) or guest (neither).")] = "root",
) -> int:
    """Open a shell on a lab, by ssh."""
    return shells.shell(_existing(name), account, command)


@app.command(name="break")
def break_(
    fault: Fault = None,
    /,
    *,
    name: Name = DEFAULT_NAME,
    list_: Annotated[bool, Parameter(name="--list", negative=(), help="List all faults and break nothing.")] = False,
) -> None:
    """Put a fault on a lab, and tell what must now fail."""
    if list_ or fault is None:
        _list_faults()
        return
    fault = _today(fault)
    what = faults.describe(fault)
    faults.inject(_existing(name), fault)
    console = _console()
    console.print(f"{what.title} (section {what.section})", markup=False)
    for word, scenarios in (("must fail", what.fails), ("undetermined", what.undetermined)):
        for scenario in sorted(scenarios):
            console.print(f"  {word}: {scenario}", markup=False)
    console.print(f"`runbook lab heal {fault}` heals it", markup=False)


@app.command
def heal(fault: Fault = None, /, *, name: Name = DEFAULT_NAME) -> None:
    """Take this fault off a lab, or all that are on it; then run the cron jobs once, as cron would."""
    server = _existing(name)
    healed = faults.heal(server, fault and _today(fault))
    server.run_cron_jobs()
    _console().print(f"healed: {', '.join(healed) or 'nothing was broken'}", markup=False)


def _today(fault: str) -> str:
    """The fault's id of today; where this was another one, that is said."""
    today = renamed.fault(fault)
    if today != fault:
        renamed.say(renamed.sentence("fault", fault, today))
    return today


def _say_what_is_open(server: Server) -> None:
    from commands import open_drill_notice  # with it come pytest and the engine, which the other commands do without
    from runbook.drill import journal
    from runbook.model.question import Output

    done = server.run(journal.OPEN.render({}), seconds=10)
    target = server.name if server.name == DEFAULT_NAME else str(server.state / "target.toml")
    open_drill_notice.say(Output(done.status, done.out, done.err), target, f"{server.name}:")


def _existing(name: str) -> Server:
    if name not in {lab.name for lab in looking.status() if lab.running}:
        raise Refused(f"there is no lab {name}: `runbook lab up --name {name}` makes it")
    return Server(name)


def _list_faults() -> None:
    """One line each, in the runbook's order, never cut however narrow the terminal is: an id is there to be copied."""
    from runbook.suite.features import section_order  # with it comes a parser, which the other commands here do without

    known = sorted(map(faults.describe, faults.names()), key=lambda fault: (section_order(fault.section), fault.id))
    rows = [("section", "edge", "fault", "what is wrong")]
    rows += [(fault.section, fault.edge or "", fault.id, fault.title) for fault in known]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        _console().print(line.rstrip(), soft_wrap=True, markup=False)


def _rounded(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


def _console() -> Console:
    return Console(highlight=False)
