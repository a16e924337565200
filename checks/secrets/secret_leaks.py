"""Where the important variables' values stand that should not: images, logs, process lists, git. Only counts come back.

What is looked for are the values that the running release was created with; where none runs, the newest. They go
through a pipe from Docker to the program that counts, so that they are in no argument list, no answer and no file.
Values of less than 8 characters are passed over: they would be found everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import cleandoc

from checks.docker.containers import Container, fleet
from checks.docker.images import IMAGES
from runbook.model import rights
from runbook.model.git_as_owner import answered, asking_git
from runbook.model.outcome import Undetermined
from runbook.model.question import Command, Output, lines_of
from runbook.observation.snapshot import Snapshot, reading

VALUES = cleandoc(
    r"""values() {{
      docker inspect --format '{{{{range .Config.Env}}}}{{{{println .}}}}{{{{end}}}}' {release} |
        grep -E '^((RAILS_MASTER|ATTR_ENCRYPTED|BLIND_INDEX)_KEY|SECRET_KEY_BASE|(POSTGRES|REDIS)_PASSWORD)=.{{8}}'
    }}
    count() {{
      awk -v place="$1" '
        part == 1 {{ at = index($0, "="); value[substr($0, 1, at - 1)] = substr($0, at + 1); next }}
        /^ended [0-9]+$/ {{ status = $2; next }}
        {{ for (name in value) if (index($0, value[name])) lines[name]++ }}
        END {{
          for (name in value) {{ wanted++; if (lines[name]) printf "found\t%s\t%s\t%d\n", place, name, lines[name] }}
          printf "looked\t%s\t%d\t%d\n", place, wanted, status
        }}' part=1 /dev/fd/3 part=2 -
    }}
    """
)

IN_IMAGES = Command(
    f"{VALUES}\n"
    + cleandoc(
        r"""for image in {images}; do
      values | ( exec 3<&0
        {{ docker history --no-trunc --format '{{{{.CreatedBy}}}}' "$image" && docker image inspect "$image"
          printf '\nended %s\n' "$?"; }} | count "$image" )
    done"""
    ),
    needs=rights.DOCKER,
    lane="slow",
    seconds=60,
)

IN_LOGS = Command(
    f"{VALUES}\n"
    + cleandoc(
        r"""for container in {containers}; do
      values | ( exec 3<&0; {{ docker logs "$container" 2>&1; printf '\nended %s\n' "$?"; }} | count "$container" )
    done"""
    ),
    needs=rights.DOCKER,
    lane="slow",
    seconds=180,
)

IN_LOG_FILES = Command(
    f"{VALUES}\n"
    + cleandoc(
        r"""for log in {monitor_log} {backup_log} {cleanup_log}; do
      [ ! -e "$log" ] || exec < "$log" || exit
      [ ! -e "$log" ] ||
        values | ( exec 3<&0; {{ cat -- "$log"; printf '\nended %s\n' "$?"; }} | count "$log" )
    done"""
    ),
    needs=rights.ROOT,
    lane="slow",
    seconds=60,
)

IN_PROCESSES = Command(
    f"{VALUES}\n"
    + cleandoc(
        r"""[ -r /proc/1/status ] || {{ echo "Permission denied: other accounts' processes are hidden" >&2; exit 1; }}
    values | ( exec 3<&0
      {{ cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n'; printf '\nended 0\n'; }} | count 'the process list' )"""
    ),
    needs=rights.DOCKER,
    lane="docker",
    seconds=10,
)

IN_GIT = Command(
    asking_git(f"{VALUES}\n")
    + cleandoc(
        r"""tracked=$(ask_git {app} ls-files -- .kamal/secrets .env) || exit
    commits=$(ask_git {app} rev-list --all --count -- .kamal/secrets .env) || exit
    for file in $tracked; do printf 'tracked\t%s\n' "$file"; done
    printf 'commits\t%s\n' "$commits"
    values | ( exec 3<&0
      {{ ask_git {app} cat-file --batch-all-objects --batch --unordered --buffer
        printf '\nended %s\n' "$?"; }} | count 'the history' )"""
    ),
    needs=rights.DOCKER,
    lane="slow",
    seconds=180,
)
"""Every object of the repository, those that no branch leads to any more included."""


@dataclass(frozen=True)
class Sighting:
    """One variable's value was found in so many lines of one place."""

    place: str
    name: str
    lines: int

    def __str__(self) -> str:
        return f"{self.name} in {self.lines} line{'' if self.lines == 1 else 's'} of {self.place}"


@dataclass(frozen=True)
class Search:
    """What came of a search.

    Attributes:
        places: Where was looked.
    """

    places: tuple[str, ...]
    sightings: tuple[Sighting, ...]


@dataclass(frozen=True)
class GitSearch:
    """What git has of the secrets.

    Attributes:
        tracked: The secrets' files that git tracks now.
        commits: How many commits of any branch changed one of them.
        found: Where their values stand in what git keeps.
    """

    tracked: tuple[str, ...]
    commits: int
    found: Search


def leaks_in_images(snapshot: Snapshot) -> Search:
    """In the history and the settings of every image that is called as the release's is."""
    images, release = snapshot.ask(IMAGES), _release(snapshot)
    with reading("the images"):
        tags = [str(tag) for one in images for tag in one["RepoTags"] or ()]
        own = [tag for tag in tags if tag.rpartition(":")[0] == release.image.rpartition(":")[0]]
    if not own:
        raise Undetermined(f"no image is named like the release's, {release.image}")
    return _search("the images", snapshot.ask(IN_IMAGES.with_values(release=release.id, images=own)))


def leaks_in_logs(snapshot: Snapshot) -> Search:
    """In what the service's containers have logged."""
    names = {one.id: one.name for one in snapshot.observe(fleet).known}
    found = _search(
        "the logs", snapshot.ask(IN_LOGS.with_values(release=_release(snapshot).id, containers=tuple(names)))
    )
    return Search(
        tuple(f"the log of {names.get(one, one)}" for one in found.places),
        tuple(
            Sighting(f"the log of {names.get(one.place, one.place)}", one.name, one.lines) for one in found.sightings
        ),
    )


def leaks_in_log_files(snapshot: Snapshot) -> Search:
    """In what the jobs of the crontab have logged."""
    return _search("the logs' files", snapshot.ask(IN_LOG_FILES.with_values(release=_release(snapshot).id)))


def leaks_in_processes(snapshot: Snapshot) -> Search:
    """In the command lines of all processes, those in containers among them."""
    return _search("the process list", snapshot.ask(IN_PROCESSES.with_values(release=_release(snapshot).id)))


def leaks_in_git(snapshot: Snapshot) -> GitSearch:
    """In the repository that the server's clone is, and whether git has had the secrets' files."""
    told = snapshot.ask(IN_GIT.with_values(release=_release(snapshot).id))
    answered(told, "what git has of the secrets")
    with reading("what git has of the secrets"):
        return read_git(told.out)


def _release(snapshot: Snapshot) -> Container:
    """The release that runs, else the newest one."""
    found = snapshot.observe(fleet)
    release = next(iter((*found.running_releases, *found.releases)), None)
    if release is None:
        raise Undetermined("there is no web release, whose secrets could be searched for")
    return release


def _search(what: str, told: Output) -> Search:
    with reading(what):
        return read_search(told.required(what).out)


def read_search(text: str) -> Search:
    """Read what came of a search: a line ``found`` for each variable and place, a line ``looked`` for each place.

    Raises:
        ValueError: A line is of another form, there was nothing to look for, or a place was not read to its end.
    """
    sightings, places = [], []
    for line in lines_of(text):
        match line.split("\t"):
            case ["found", place, name, lines]:
                sightings.append(Sighting(place, name, int(lines)))
            case ["looked", place, wanted, status]:
                if int(wanted) == 0:
                    raise ValueError("the release has none of the values to search for")
                if int(status) != 0:
                    raise ValueError(f"{place} was not read to its end")
                places.append(place)
            case _:
                raise ValueError("there is an unexpected line")
    return Search(tuple(places), tuple(sorted(sightings, key=lambda one: (one.place, one.name))))


def read_git(text: str) -> GitSearch:
    """Read the answer to `IN_GIT`.

    Raises:
        ValueError: A line is of another form, or it does not say how many commits there are.
    """
    lines = lines_of(text)
    own: Mapping[str, list[str]] = {
        word: [line.partition("\t")[2] for line in lines if line.startswith(f"{word}\t")]
        for word in ("tracked", "commits")
    }
    (commits,) = own["commits"]
    rest = "".join(f"{line}\n" for line in lines if line.partition("\t")[0] not in own)
    return GitSearch(tuple(own["tracked"]), int(commits), read_search(rest))
