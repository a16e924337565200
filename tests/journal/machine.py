"""Drills, recoveries and what befalls them, in any order: what a server is like is held to the model after each step.

Where a step went as it should, the model says exactly what is there then. Where something befell it, it goes on from
what is there; but no undo may be lost, none may be done by whoever must not, and no act may come after it.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, get_args

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from runbook.drill import journal
from runbook.drill.journal import STALE_SECONDS, recovery_log
from tests.journal.model import DONE, REFUSED, Answer, Change, Engine, Key, Locks, Model, Seen
from tests.journal.server import Kept, Plan, Run, Server

THINGS = ("proxy", "release")
RUNNERS = ("hanako", "jiro")
AGES = st.sampled_from([1, 5, 14, 15, 60])


def plans(most: int) -> st.SearchStrategy[Plan]:
    """What may befall a script that calls about so many programs; nothing, in half of all cases."""
    troubles = st.sampled_from(["kill", "power", "full", "wait", "wait", "wait"])
    return st.one_of(st.just(Plan()), st.builds(Plan, troubles, st.integers(1, most)))


runners = st.sampled_from(RUNNERS)
walls = st.sampled_from([0, 1_000_000_000, 4_000_000_000])
turns = st.sampled_from(["thing", "engine", "wall", "time"])
kept = st.sampled_from(get_args(Kept))


@dataclass
class Sent:
    """A script that was sent: of which kind, for which generation, and what it is to come to."""

    kind: str
    generation: str
    run: Run


class Machine(RuleBasedStateMachine):
    """Two runners, any number of recoverers, and those of them that stand still and wake."""

    rooms: ClassVar[tuple[Path, Path, bool]]
    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.server = Server(*self.rooms)
        self.model = Model(dict.fromkeys(THINGS, "0"))
        for thing in THINGS:
            self.server.set(**{f"world.{thing}": "0"})
        self.generation = dict.fromkeys(RUNNERS, "")
        self.numbers: dict[str, int] = {}
        self.hearts: dict[str, Run] = {}
        self.standing: list[Sent] = []
        self.did: set[Key] = set()
        self.begun_to_undo: set[str] = set()
        self.undone_in_part: set[str] = set()
        self.read = 0
        self.foreign = 0

    # The runners.

    @rule(runner=runners, plan=plans(18))
    def hold(self, runner: str, plan: Plan) -> None:
        generation = f"g{len(self.numbers) + 1:02d}"
        self.numbers[generation] = 0
        self.generation[runner] = generation
        self.send(
            "hold", generation, self.server.hold(generation, plan), lambda: self.model.hold(generation, self.locks)
        )

    @rule(runner=runners, size=st.integers(0, 6000))
    def hold_with_half_a_script(self, runner: str, size: int) -> None:
        generation = f"g{len(self.numbers) + 1:02d}"
        self.numbers[generation] = 0
        self.generation[runner] = generation
        half = journal.recover_sh().encode()[: size % len(journal.recover_sh())]
        run = self.server.start(journal.held(generation), half)
        self.server.ended(run)
        self.befell(Sent("hold", generation, run))
        assert self.model.holder != generation, "a server is held whose recover.sh is not whole"

    @precondition(lambda self: any(self.generation.values()))
    @rule(runner=runners, plan=plans(4))
    def let_beat(self, runner: str, plan: Plan) -> None:
        generation = self.generation[runner]
        if not generation or generation in self.hearts or self.locks.mutex:
            return
        locks = self.locks
        heart = self.server.heart(generation, plan)
        self.hearts[generation] = heart
        if heart.met:
            self.befell_a_heart(generation, plan)
            return
        expected = self.model.heart(generation, locks)
        self.heard(generation, expected)

    @precondition(lambda self: self.hearts)
    @rule(data=st.data(), letter=st.sampled_from([b"b", b"b", b"b", b"x"]), plan=plans(4))
    def beat(self, data: Any, letter: bytes, plan: Plan) -> None:
        generation = data.draw(st.sampled_from(sorted(self.hearts)))
        heart = self.hearts[generation]
        if self.locks.mutex or heart.waits:
            return
        self.server.letter(heart, letter, plan if letter == b"b" else Plan())
        if heart.met:
            self.befell_a_heart(generation, plan)
        elif letter == b"b":
            self.heard(generation, self.model.letter(generation))
        else:
            answer = self.model.missed(generation)
            output = self.server.ended(heart)
            assert (journal.refusal(output) is not None) == (answer is REFUSED)
            self.forget_heart(generation)
            self.compare()

    @precondition(lambda self: self.hearts)
    @rule(data=st.data())
    def kill_a_heart(self, data: Any) -> None:
        generation = data.draw(st.sampled_from(sorted(self.hearts)))
        self.server.kill(self.hearts[generation])
        self.forget_heart(generation)
        self.go_on()

    @rule(thing=st.sampled_from(THINGS), plan=plans(6))
    def act(self, thing: str, plan: Plan) -> None:
        """By whoever holds the server; where nobody does, it is taken first."""
        if not self.model.holder:
            self.hold(RUNNERS[0], Plan())
        if self.model.holder:
            self.act_of(self.model.holder, thing, plan)

    @rule(plan=plans(20))
    def undo(self, plan: Plan) -> None:
        """By whoever holds the server."""
        if self.model.holder:
            self.undo_of(self.model.holder, plan)

    @rule(plan=plans(3))
    def release(self, plan: Plan) -> None:
        if self.model.holder:
            self.release_of(self.model.holder, plan)

    @precondition(lambda self: self.numbers)
    @rule(data=st.data(), what=st.sampled_from(["act", "undo", "release"]))
    def somebody_comes_late(self, data: Any, what: str) -> None:
        """A runner who woke, of any drill that ever was."""
        generation = data.draw(st.sampled_from(sorted(self.numbers)))
        if what == "act":
            self.act_of(generation, THINGS[0], Plan())
        elif what == "undo":
            self.undo_of(generation, Plan())
        elif self.server.folder.exists():
            self.release_of(generation, Plan())

    def act_of(self, generation: str, thing: str, plan: Plan) -> None:
        self.numbers[generation] += 1
        number = self.numbers[generation]
        self.model.changes[generation, number] = Change(thing, self.model.things[thing], f"{generation}.{number}")
        locks = self.locks
        run = self.server.change(generation, number, thing, plan)
        self.send("act", generation, run, lambda: self.model.act((generation, number), locks))

    def undo_of(self, generation: str, plan: Plan) -> None:
        locks = self.locks
        run = self.server.recover(generation, plan)
        self.send("recover", generation, run, lambda: self.model.recover(generation, locks))

    def release_of(self, generation: str, plan: Plan) -> None:
        locks = self.locks
        run = self.server.release(generation, plan)
        self.send("release", generation, run, lambda: self.model.release(generation, locks))

    # Whoever else comes.

    @rule(plan=plans(20), by_hand=st.booleans(), later=st.booleans())
    def recover(self, plan: Plan, by_hand: bool, later: bool) -> None:
        """Now, or when a heart that does not beat any more is missed; by hand the file on the server is run."""
        if later:
            self.time_passes(STALE_SECONDS)
        by_hand = by_hand and bool(self.model.open or self.model.holder)
        locks = self.locks
        text = f"sh {journal.FOLDER}/recover.sh" if by_hand else journal.recovery()
        self.send("recover", "", self.server.start(text, b"", plan), lambda: self.model.recover("", locks))

    @precondition(lambda self: self.standing)
    @rule(data=st.data())
    def wake(self, data: Any) -> None:
        number = data.draw(st.integers(0, len(self.standing) - 1))
        sent = self.standing.pop(number)
        self.server.wake(sent.run)
        if sent.kind == "heart":
            self.server.listens(sent.run)
            if sent.run.process.poll() is not None:
                self.forget_heart(sent.generation)
        else:
            self.server.ended(sent.run)
        self.befell(sent)

    @precondition(lambda self: self.standing)
    @rule(data=st.data())
    def kill_who_stands(self, data: Any) -> None:
        sent = self.standing.pop(data.draw(st.integers(0, len(self.standing) - 1)))
        self.server.kill(sent.run)
        if sent.kind == "heart":
            self.forget_heart(sent.generation)
        self.befell(sent)

    @rule(thing=st.sampled_from(THINGS), engine=st.sampled_from(get_args(Engine)), wall=walls, seconds=AGES, what=turns)
    def the_world_turns(self, thing: str, engine: Engine, wall: int, seconds: int, what: str) -> None:
        """Somebody else changes a thing, the engine comes or goes, the clock is set, time passes."""
        if what == "thing":
            self.somebody_else_changes(thing)
        elif what == "engine":
            self.let_engine(engine)
        elif what == "wall":
            self.server.set(wall=wall)
        else:
            self.time_passes(seconds)

    def somebody_else_changes(self, thing: str) -> None:
        self.foreign += 1
        value = f"foreign-{self.foreign}"
        self.server.set(**{f"world.{thing}": value})
        self.model.things[thing] = self.model.base[thing] = value

    # The server.

    def let_engine(self, engine: Engine) -> None:
        for name in get_args(Engine):
            self.server.unset(name)
        if engine != "up":
            self.server.set(**{engine: ""})
        self.model.engine = engine

    def time_passes(self, seconds: int) -> None:
        self.model.uptime += seconds
        self.server.set(uptime=self.model.uptime)

    @rule(kept=kept)
    def power_is_lost(self, kept: Kept) -> None:
        self.server.lose_power(kept)
        self.all_have_ended()
        self.go_on()

    # What is to hold.

    @property
    def locks(self) -> Locks:
        return Locks(
            mutex=self.server.is_locked("mutex"),
            acting=self.server.is_locked("acting", fcntl.LOCK_SH),
            acting_at_all=self.server.is_locked("acting"),
            heart=self.server.is_locked("lock"),
        )

    def send(self, kind: str, generation: str, run: Run, expected: Callable[[], Answer]) -> None:
        """Wait for a script, and hold what it did to what it was to do."""
        sent = Sent(kind, generation, run)
        alive = self.model.holder if self.model.alive(self.model.holder) else ""
        if self.server.stands(run):
            self.standing.append(sent)
            self.befell(sent)
            return
        output = self.server.ended(run)
        if run.met:
            self.befell(sent)
            return
        answer = expected()
        self.compare()
        if any(word == "failed" for word, _ in answer.entries):
            self.undone_in_part |= {key[0] for key in self.model.open}
        self.judge(sent, alive)
        refused = journal.refusal(output) is not None
        assert refused == (answer is REFUSED), f"{output} where {answer} was expected"
        if answer.word == "recovered":
            recovery = recovery_log.read_recovery(output)
            assert tuple((one.status, one.entry) for one in recovery.entries) == answer.entries
            assert recovery.ended_before == answer.ended_before
        elif answer is DONE:
            assert output.status == 0, output

    def heard(self, generation: str, expected: Answer) -> None:
        heart = self.hearts[generation]
        if expected is REFUSED:
            assert journal.refusal(self.server.ended(heart)) is not None, "a heart that was ended beats on"
            self.forget_heart(generation)
        else:
            assert heart.process.poll() is None, self.server.ended(heart)
        self.compare()

    def befell_a_heart(self, generation: str, plan: Plan) -> None:
        heart = self.hearts[generation]
        sent = Sent("heart", generation, heart)
        if self.server.stands(heart) if plan.trouble == "wait" else False:
            self.standing.append(sent)
        elif heart.process.poll() is not None or plan.trouble in ("kill", "power"):
            self.server.ended(heart)
            self.forget_heart(generation)
        self.befell(sent)

    def befell(self, sent: Sent) -> None:
        """Go on after something that no table tells, if only nothing was lost and nobody did what he must not."""
        alive = self.model.holder if self.model.alive(self.model.holder) else ""
        if (sent.run.folder / "plan").read_text().startswith("power") and sent.run.met:
            self.server.lose_power(get_args(Kept)[len(self.model.changes) % 3])
            self.all_have_ended()
        self.server.make_room()
        if self.model.engine == "stumbles" and not (self.server.aid / "stumbles").exists():
            self.model.engine = "up"
        self.go_on()
        self.undone_in_part |= {key[0] for key in self.model.open}
        self.judge(sent, alive)

    def all_have_ended(self) -> None:
        self.hearts.clear()
        self.standing.clear()
        self.model.boot = self.server.told("boot")
        self.model.uptime = int(self.server.told("uptime"))

    def forget_heart(self, generation: str) -> None:
        self.standing = [one for one in self.standing if one.run is not self.hearts[generation]]
        del self.hearts[generation]

    def go_on(self) -> None:
        self.model.take(self.look())

    def compare(self) -> None:
        seen = self.look()
        assert seen == self.model.seen(), f"{seen} where {self.model.seen()} was expected"

    def look(self) -> Seen:
        folder = self.server.folder
        words = _words(folder / "generation")
        return Seen(
            words[0] if words else "",
            words[1:] == ["closing"],
            tuple(_words(folder / "beat")),
            _keys(folder / "journal"),
            _keys(folder / "undone"),
            _keys(folder / "interfered"),
            {thing: self.server.told(f"world.{thing}") for thing in THINGS},
        )

    def judge(self, sent: Sent, alive: str) -> None:
        """Whether he who has done something to the world was allowed to."""
        lines = (self.server.aid / "log").read_text().splitlines()
        new, self.read = lines[self.read :], len(lines)
        for line in new:
            word, generation, number, was = line.split()
            key = (generation, int(number))
            if word == "did":
                assert sent.kind == "act"
                assert generation == sent.generation
                assert generation not in self.begun_to_undo, f"an act after its undo: {line}"
                assert self.model.holder in ("", generation), f"an act while another drill holds the server: {line}"
                self.did.add(key)
            else:
                assert sent.kind in ("recover", "hold")
                assert sent.generation in ("", generation) or sent.kind == "hold", f"a foreign undo: {line}"
                assert sent.generation == generation or alive != generation, f"undone while its drill lives: {line}"
                assert key in self.model.changes
                # Where an undo has failed, another one finds what the drill itself has left.
                if word == "interfered" and generation not in self.undone_in_part:
                    assert was.startswith("foreign"), f"nobody else has changed that: {line}"
                self.begun_to_undo.add(generation)

    @invariant()
    def nothing_is_lost(self) -> None:
        type(self).steps += 1
        model = self.model
        lost = self.did - model.open - model.undone - model.interfered
        assert not lost, f"the undo of {lost} is nowhere"
        if model.holder or model.open:
            there = (self.server.folder / "recover.sh").read_text()
            assert there == self.server.here(journal.recover_sh()), "recover.sh is not whole"

    def teardown(self) -> None:
        """Whatever has happened, one recovery heals all of it; and then the server can be held again."""
        try:
            self._heal()
        finally:
            self.server.close()

    def _heal(self) -> None:
        for sent in self.standing:
            self.server.kill(sent.run)
        self.let_engine("up")
        for heart in self.hearts.values():
            self.server.kill(heart)
        self.hearts.clear()
        self.standing.clear()
        self.go_on()
        self.recover(Plan(), by_hand=False, later=True)
        assert not self.model.open
        assert self.model.things == self.model.base, "the world is not as it was but for what somebody else has set"
        self.hold(RUNNERS[0], Plan())
        assert self.model.holder


def _words(path: Path) -> list[str]:
    return path.read_text(errors="replace").split() if path.exists() else []


def _keys(folder: Path) -> frozenset[Key]:
    return frozenset((path.parent.name, int(path.stem)) for path in folder.glob("*/*.sh") if path.name[0] != ".")
