"""The host keys by which this machine knows a server: what ssh itself compares with, as ssh's own programs read it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator

from runbook.model.outcome import Undetermined
from runbook.model.target import Target

SECONDS = 5.0
SSH_PORT = "22"
FILES = ("userknownhostsfile", "globalknownhostsfile")


def known_keys(target: Target) -> frozenset[tuple[str, str]]:
    """Each key that is known of the target, as its kind and the key itself in base64.

    Raises:
        Undetermined: ssh cannot be asked here.
    """
    settings = read_settings(_said(["ssh", "-G", *target.ssh.way(), target.address]).splitlines())
    name = known_as(settings)
    files = [file for setting in FILES for file in settings.get(setting, "").split()]
    return frozenset(key for file in files for key in read_keys(_found(name, file).splitlines()))


def read_settings(lines: Iterable[str]) -> dict[str, str]:
    """What ``ssh -G`` says, the first of several counting."""
    settings: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(" ")
        settings.setdefault(name, value)
    return settings


def known_as(settings: dict[str, str]) -> str:
    """The name under which known_hosts has the server."""
    alias = settings.get("hostkeyalias", "none")
    if alias != "none":
        return alias
    host, port = settings.get("hostname", ""), settings.get("port", SSH_PORT)
    return host if port == SSH_PORT else f"[{host}]:{port}"


def read_keys(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The keys in lines of known_hosts; authorities and revoked keys, which begin with a mark, are none."""
    for line in lines:
        words = line.split()
        if len(words) >= 3 and words[0][:1] not in ("#", "@"):
            yield words[1], words[2]


def _found(name: str, file: str) -> str:
    """Its lines in this file, where it has any."""
    return _said(["ssh-keygen", "-F", name, "-f", file], required=False)


def _said(command: list[str], *, required: bool = True) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Undetermined(f"{command[0]} cannot be asked here: {error}") from None
    if required and done.returncode != 0:
        raise Undetermined(f"{command[0]} says here: {done.stderr.strip()}")
    return done.stdout
