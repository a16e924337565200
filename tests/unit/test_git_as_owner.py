"""Git is asked as the clone's owner, or not at all: the questions' own texts, run by dash in clones full of traps."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from checks.database.migrations import IN_CLONE
from checks.deploy.git_clone import CLONE, ORIGIN, origin_commit, read_status
from checks.deploy.steady_state import THINGS
from checks.docker.containers import DEPLOYED
from checks.secrets.secret_leaks import IN_GIT
from commands.doctor import TOUCH_CLONE
from runbook.model import rights
from runbook.model.git_as_owner import NOT_ONE_OWNERS, NOT_THE_OWNER, answered
from runbook.model.outcome import Undetermined
from runbook.model.question import Command, Output
from runbook.model.target import Target
from tests.unit.answering import looking

ROOT, OWNER, OTHER = 0, 65534, 65533
QUESTIONS = {"clone": CLONE, "origin": ORIGIN, "deployed": DEPLOYED, "migrations": IN_CLONE, "secrets": IN_GIT}
QUESTIONS |= {"steady state": THINGS, "doctor": TOUCH_CLONE}
TARGET = Target(name="t", environment="lab", address="127.0.0.1", domain="example.test")

pytestmark = [
    pytest.mark.skipif(os.geteuid() != ROOT, reason="only root can become another account"),
    pytest.mark.skipif(
        not all(map(shutil.which, ("dash", "git", "setpriv"))), reason="dash, git and setpriv are not all here"
    ),
]

TRAP = """\
#!/bin/sh
# Whatever starts this says as whom, and what it has been given.
id -u >> {seen}/uid
id -G >> {seen}/groups
env >> {seen}/environment
sed -n 's/^NoNewPrivs:[[:blank:]]*//p' /proc/self/status >> {seen}/no-new-privileges
echo {name} >> {seen}/names
exit 1
"""
HOSTILE = """
[core]
    fsmonitor = {traps}/fsmonitor
    sshCommand = {traps}/ssh
    pager = {traps}/pager
    hooksPath = {traps}/hooks
[filter "x"]
    clean = {traps}/clean
    required = true
[alias]
    status = !{traps}/alias
[credential]
    helper = !{traps}/helper
[remote "origin"]
    url = {url}
    uploadpack = {traps}/uploadpack
[protocol "ext"]
    allow = always
[url "ext::{traps}/ext "]
    insteadOf = rewritten:
"""
TRAPS = ("fsmonitor", "ssh", "pager", "clean", "alias", "helper", "uploadpack", "ext", "included")
HOOKS = ("post-index-change", "reference-transaction", "post-checkout", "pre-auto-gc", "fsmonitor-watchman")
DOCKER = """\
#!/bin/sh
case "$*" in
  inspect*) echo 'POSTGRES_PASSWORD=correct horse' ;;
  volume*) echo 'volume data' ;;
  network*) echo 'network kamal' ;;
esac
"""


@dataclass(frozen=True)
class Place:
    """A clone and what stands around it, which every account can reach."""

    folder: Path

    @property
    def clone(self) -> Path:
        return self.folder / "clone"

    @property
    def config(self) -> Path:
        return self.clone / ".git" / "config"

    def program(self, name: str, text: str) -> Path:
        """A program that is found before the real one of its name."""
        path = self.folder / "bin" / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def ask(self, question: Command, account: int = ROOT, clone: Path | None = None, **environment: str) -> Output:
        """What the question's text answers to this account."""
        script = question.render({"app": str(clone or self.clone), "release": "web"})
        done = subprocess.run(
            ["setpriv", f"--reuid={account}", f"--regid={account}", "--clear-groups", "dash", "-c", script],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            env={
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                "HOME": "/root" if account == ROOT else "/nonexistent",
                "LC_ALL": "C",
                **environment,
            },
        )
        return Output(done.returncode, done.stdout, done.stderr)

    def seen(self, what: str) -> set[str]:
        """What the traps that were started have said of themselves."""
        path = self.folder / "seen" / what
        return set(path.read_text().splitlines()) if path.exists() else set()

    def owned_by(self, account: int, *paths: Path) -> None:
        for path in paths or (self.clone,):
            for one in (path, *path.rglob("*")):
                os.chown(one, account, account, follow_symlinks=False)

    def git(self, *arguments: str) -> None:
        settings = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "safe.directory=*")
        subprocess.run(["git", *settings, "-C", str(self.clone), *arguments], check=True, capture_output=True)

    def set_traps(self, url: str = "ssh://git.example.test/psyfit.git") -> None:
        """Fill the clone's configuration with everything that git would start."""
        traps = self.folder / "traps"
        (traps / "hooks").mkdir(parents=True)
        hooks = [self.clone / ".git" / "hooks" / name for name in HOOKS]
        for path in (*(traps / name for name in TRAPS), *(traps / "hooks" / name for name in HOOKS), *hooks):
            path.write_text(TRAP.format(seen=self.folder / "seen", name=path.name))
            path.chmod(0o755)
        self.git("remote", "remove", "origin")
        included = self.clone / ".git" / "included"
        included.write_text(f"[diff]\n external = {traps}/included\n[core]\n askPass = {traps}/included\n")
        with self.config.open("a") as config:
            config.write(HOSTILE.format(traps=traps, url=url) + "[include]\n path = included\n")
        (self.clone / ".git" / "info" / "attributes").write_text("* filter=x\n")
        (self.clone / "file").write_text("changed, so that it has to be read\n")
        self.owned_by(OWNER)


@pytest.fixture
def place() -> Iterator[Place]:
    """A clone of root's with one commit, beside a folder where anybody may write what was seen."""
    folder = Path(tempfile.mkdtemp(prefix="clone-"))
    folder.chmod(0o755)
    made = Place(folder)
    (folder / "bin").mkdir()
    (folder / "seen").mkdir()
    (folder / "seen").chmod(0o777)
    made.program("docker", DOCKER)
    made.program("crontab", "#!/bin/sh\necho 'no crontab for root' >&2\nexit 1\n")
    made.clone.mkdir()
    made.git("init", "--quiet", "--initial-branch=main")
    (made.clone / "db" / "migrate").mkdir(parents=True)
    (made.clone / "db" / "migrate" / "20250101000000_x.sql").write_text("SELECT 1;\n")
    (made.clone / "file").write_text("as committed\n")
    made.git("add", "--all")
    made.git("commit", "--quiet", "-m", "first")
    made.git("remote", "add", "origin", str(made.clone))
    try:
        yield made
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    "url", ["ssh://git.example.test/psyfit.git", "rewritten:x", "/nowhere", "https://127.0.0.1:9/"]
)
def test_nothing_that_a_foreign_clone_names_runs_as_root(place: Place, url: str) -> None:
    place.set_traps(url)
    for question in QUESTIONS.values():
        place.ask(question)
    assert place.seen("uid") == {str(OWNER)}, "no trap was met, or one by another account than the owner"
    assert "clean" in place.seen("names")
    assert not place.seen("names") & {"fsmonitor", "pager", "alias", *HOOKS}


def test_the_traps_would_catch_whoever_asks_as_root_and_trusts_the_folder(place: Place) -> None:
    """As the questions once did: the test above could see it."""
    place.set_traps()
    trusting = ("git", "-c", f"safe.directory={place.clone}", "-C", str(place.clone))
    for arguments in (("-c", "core.fsmonitor=false", "status"), ("ls-files", "-v"), ("ls-remote", "origin")):
        subprocess.run([*trusting, *arguments], capture_output=True, stdin=subprocess.DEVNULL)
    assert place.seen("uid") == {str(ROOT)}
    assert place.seen("names") >= {"clean", "fsmonitor", "ssh"}


def test_what_runs_as_the_owner_has_no_other_right_and_nothing_of_roots(place: Place) -> None:
    place.set_traps()
    place.ask(CLONE, OF_ROOT="alone", SSH_AUTH_SOCK="/root/agent")
    assert place.seen("groups") == {str(OWNER)}
    assert place.seen("no-new-privileges") == {"1"}
    environment = "\n".join(place.seen("environment"))
    assert "OF_ROOT" not in environment
    assert "SSH_AUTH_SOCK" not in environment
    assert "/root" not in {line.partition("=")[2] for line in place.seen("environment")}


def test_root_without_a_way_to_become_the_owner_asks_nothing(place: Place) -> None:
    place.set_traps()
    place.program("setpriv", "#!/bin/sh\nexit 127\n")
    for question in QUESTIONS.values():
        script = question.render({"app": str(place.clone), "release": "web"})
        path = f"{place.folder / 'bin'}:{os.environ['PATH']}"
        done = subprocess.run(["dash", "-c", script], capture_output=True, stdin=subprocess.DEVNULL, env={"PATH": path})
        assert done.returncode != 0
    assert place.seen("uid") == set()


@pytest.mark.parametrize("account", [ROOT, OWNER], ids=["root", "the owner"])
@pytest.mark.parametrize("owner", [ROOT, OWNER], ids=["of root", "of another account"])
@pytest.mark.parametrize("name", QUESTIONS)
def test_root_and_the_owner_are_answered(place: Place, name: str, owner: int, account: int) -> None:
    place.owned_by(owner)
    told = place.ask(QUESTIONS[name], account)
    if owner == ROOT and account != ROOT:
        assert told.status == NOT_THE_OWNER
    else:
        assert (told.status, told.err) == (0, "")


def test_another_account_asks_nothing_and_is_told_which_right_it_lacks(place: Place) -> None:
    place.set_traps()
    for question in QUESTIONS.values():
        told = place.ask(question, OTHER)
        assert told.status == NOT_THE_OWNER
        with pytest.raises(Undetermined, match="it belongs to nobody, and only that account or root") as refused:
            answered(told, "the clone")
        assert refused.value.right == rights.CLONE
    assert place.seen("uid") == set()


def test_what_is_no_answer_of_the_origin_is_not_taken_for_one(place: Place) -> None:
    place.owned_by(OWNER)
    told = place.ask(ORIGIN, OTHER)
    with pytest.raises(Undetermined, match="only that account or root") as refused:
        looking(TARGET, {ORIGIN: told}).observe(origin_commit)
    assert refused.value.right == rights.CLONE


def mixed(place: Place) -> None:
    place.owned_by(OWNER)
    place.owned_by(ROOT, place.clone / ".git")


def mixed_the_other_way(place: Place) -> None:
    place.owned_by(OWNER, place.clone / ".git")


def roots_with_a_group_that_writes(place: Place) -> None:
    os.chown(place.config, ROOT, OWNER)
    place.config.chmod(0o664)


def roots_with_an_access_list(place: Place) -> None:
    """As its rights show one: the group's are then the most that anybody named there has."""
    place.config.chmod(0o664)


def roots_with_a_configuration_of_another(place: Place) -> None:
    os.chown(place.config, OWNER, OWNER)


def roots_that_everybody_may_write(place: Place) -> None:
    place.config.chmod(0o666)


def owners_that_everybody_may_write(place: Place) -> None:
    place.owned_by(OWNER)
    (place.clone / ".git").chmod(0o777)


def roots_that_includes_another_accounts_file(place: Place) -> None:
    foreign = place.folder / "foreign"
    foreign.write_text(f'[filter "x"]\n clean = {place.folder}/traps/clean\n')
    os.chown(foreign, OWNER, OWNER)
    place.git("config", "include.path", str(foreign))


def roots_worktree_of_another_accounts_clone(place: Place) -> None:
    origin = place.folder / "theirs"
    place.clone.rename(origin)
    Place(place.folder).clone.mkdir()
    subprocess.run(["git", "-C", str(origin), "worktree", "add", "-q", str(place.clone / "x")], check=True)
    (place.clone / "x").rename(place.folder / "y")
    place.clone.rmdir()
    (place.folder / "y").rename(place.clone)
    place.owned_by(OWNER, origin)


UNSAFE = {
    "git's folder belongs to root": (mixed, "what git keeps of it to another account"),
    "git's folder belongs to another": (mixed_the_other_way, "what git keeps of it to another account"),
    "a group may write root's": (roots_with_a_group_that_writes, "others than root may write there: ./.git/config"),
    "another's file in root's": (
        roots_with_a_configuration_of_another,
        "others than root may write there: ./.git/config",
    ),
    "everybody may write root's": (roots_that_everybody_may_write, "others than root may write there: ./.git/config"),
    "everybody may write": (owners_that_everybody_may_write, "others than nobody may write there: ./.git"),
    "an access list of root's lets others write": (
        roots_with_an_access_list,
        "others than root may write there: ./.git/config",
    ),
    "root's includes another's": (roots_that_includes_another_accounts_file, "others than root may write there: /"),
    "root's tree of another's": (roots_worktree_of_another_accounts_clone, "what git keeps of it to another account"),
}


@pytest.mark.parametrize("case", UNSAFE)
def test_a_clone_that_is_not_one_accounts_own_is_not_asked(place: Place, case: str) -> None:
    make, sentence = UNSAFE[case]
    make(place)
    for question in QUESTIONS.values():
        told = place.ask(question)
        assert told.status == NOT_ONE_OWNERS
        with pytest.raises(Undetermined) as refused:
            answered(told, "the clone")
        assert sentence in refused.value.reason
        assert refused.value.right is None


@pytest.mark.parametrize("name", ["-delete", "-quit", "-fprint", "(", "!"])
def test_a_name_that_comes_from_the_clone_is_an_option_of_no_program(place: Place, name: str) -> None:
    (place.clone / name).mkdir()
    (place.clone / ".git").rename(place.folder / "kept")
    (place.clone / ".git").write_text(f"gitdir: {name}\n")
    place.owned_by(OWNER)
    before = sorted(path.name for path in place.clone.iterdir())
    for question in QUESTIONS.values():
        assert place.ask(question).status not in (0, ROOT)
    assert sorted(path.name for path in place.clone.iterdir()) == before
    assert list((place.clone / name).iterdir()) == []


def test_a_group_that_an_account_lets_write_is_that_accounts_own_choice(place: Place) -> None:
    """As a repository that git itself shares in a group; and root leaves files in it where it once pulled there."""
    place.owned_by(OWNER)
    for path in (place.clone, place.clone / ".git", place.config):
        path.chmod(path.stat().st_mode | 0o020)
    os.chown(place.clone / ".git" / "index", ROOT, ROOT)
    assert place.ask(CLONE).status == 0


def test_a_link_to_a_clone_is_asked_as_the_clones_owner(place: Place) -> None:
    place.set_traps()
    link = place.folder / "link"
    link.symlink_to(place.clone)
    assert place.ask(DEPLOYED, clone=link).status == 0
    place.ask(CLONE, clone=link)
    assert place.seen("uid") == {str(OWNER)}


def test_a_tree_whose_git_folder_stands_elsewhere_is_asked_as_its_owner(place: Place) -> None:
    place.git("worktree", "add", "--quiet", str(place.folder / "tree"))
    place.owned_by(OWNER, place.clone, place.folder / "tree")
    told = place.ask(CLONE, clone=place.folder / "tree")
    assert (told.status, read_status(told.out).branch) == (0, "tree")


@pytest.mark.parametrize("text", ["", "gitdir: /nowhere\n", "gitdir: -\n", "gitdir: $(touch /tmp/owned)\n"])
def test_a_clone_without_a_git_folder_is_not_asked_nor_what_stands_above_it(place: Place, text: str) -> None:
    below = place.clone / "below"
    below.mkdir()
    assert place.ask(DEPLOYED, clone=below).status == NOT_ONE_OWNERS
    (below / ".git").write_text(text)
    assert place.ask(DEPLOYED, clone=below).status == NOT_ONE_OWNERS
    (below / ".git").unlink()
    (below / ".git").mkdir()
    assert place.ask(DEPLOYED, clone=below).status == 128
    assert place.ask(DEPLOYED, clone=place.folder / "none").status == NOT_ONE_OWNERS


def test_a_pipe_in_the_place_of_gits_folder_is_not_waited_for(place: Place) -> None:
    shutil.rmtree(place.clone / ".git")
    os.mkfifo(place.clone / ".git")
    assert place.ask(DEPLOYED).status == NOT_ONE_OWNERS


def test_no_line_of_a_file_that_only_root_may_read_is_told(place: Place) -> None:
    secret = place.folder / "secret"
    secret.write_text("correct horse\n")
    secret.chmod(0o600)
    place.owned_by(OWNER)
    (place.clone / ".git" / "commondir").symlink_to(secret)
    told = [place.ask(question) for question in QUESTIONS.values()]
    assert {one.status for one in told} == {NOT_ONE_OWNERS}
    assert "horse" not in "".join(one.out + one.err for one in told)


def test_ssh_asks_nobody_writes_no_known_host_and_keeps_the_clones_own_key(place: Place) -> None:
    place.program("ssh", f"#!/bin/sh\nprintf '%s ' \"$@\" >> {place.folder}/seen/ssh\nexit 255\n")
    place.git("remote", "set-url", "origin", "ssh://git.example.test/psyfit.git")
    place.ask(ORIGIN)
    place.git("config", "core.sshCommand", "ssh -i /srv/key")
    place.ask(ORIGIN)
    plain, with_key = (place.folder / "seen" / "ssh").read_text().split("git-upload-pack '/psyfit.git' ")[:2]
    assert plain.startswith("-o UpdateHostKeys=no -o BatchMode=yes")
    assert with_key.startswith("-o UpdateHostKeys=no -o BatchMode=yes -o ControlPath=none -i /srv/key")


def test_git_has_no_way_to_the_values_that_are_looked_for_beside_it(place: Place) -> None:
    place.program(
        "git", f"#!/bin/sh\nls /proc/self/fd > {place.folder}/seen/open\ncat >> {place.folder}/seen/in\necho 1\n"
    )
    place.owned_by(OWNER)
    assert place.ask(IN_GIT).status == 0
    assert (place.folder / "seen" / "open").read_text().split() == ["0", "1", "2", "3"], (
        "the fourth is the listing's own"
    )
    assert (place.folder / "seen" / "in").read_text() == ""


FAILING_GIT = '#!/bin/sh\ncase "$*" in *{word}*) echo "fatal: {word}" >&2; exit 128 ;; esac\nexec {git} "$@"\n'


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("clone", "status"),
        ("clone", "ls-files"),
        ("migrations", "ls-tree"),
        ("secrets", "ls-files"),
        ("secrets", "rev-list"),
        ("steady state", "rev-parse"),
    ],
)
def test_a_git_that_failed_is_never_one_that_found_nothing(place: Place, name: str, word: str) -> None:
    place.program("git", FAILING_GIT.format(word=word, git=shutil.which("git")))
    told = place.ask(QUESTIONS[name])
    with pytest.raises(Undetermined, match=f"fatal: {word}"):
        answered(told, "it")


@pytest.mark.parametrize("failing", ["volume", "network", "crontab"])
def test_a_steady_state_of_which_one_part_failed_is_none(place: Place, failing: str) -> None:
    if failing == "crontab":
        place.program("crontab", "#!/bin/sh\necho 'you may not use this program' >&2\nexit 1\n")
    else:
        place.program("docker", DOCKER.replace(f"{failing}*)", f"{failing}*) exit 1 ;; never)"))
    assert place.ask(THINGS).status != 0


def test_a_steady_state_names_every_part(place: Place) -> None:
    kinds = [line.partition(" ")[0] for line in place.ask(THINGS).lines]
    assert kinds == ["volume", "network", "crontab", "commit"]
