"""The machine that the lab runs on: its Docker Engine and the few programs the lab needs from it."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab import LabError, Refused, extra
from lab.programs import run
from lab.progress import Steps

ENGINE_START_SECONDS = 60.0
INSTALL_SECONDS = 300.0
ENGINE_LOG = Path("/var/log/dockerd.log")
PRODUCTION_TREE = Path("/var/www/psyfit")
ENGINE_PID = Path("/var/run/docker.pid")
STARTED_BY_US = Path("/run/psyfit-lab-engine.pid")
ROOM_LIMIT_PERCENT = 80
PROGRAMS = {"ssh": "openssh-client", "ssh-keygen": "openssh-client", "gpg": "gnupg", "gpgconf": "gnupg"}


def engine(steps: Steps) -> Any:
    """The Docker SDK's client of this machine's own engine, installed and started where that can be done.

    Raises:
        NotInstalled: The SDK, or another of the lab's libraries, is not here.
    """
    extra.require()
    for program, package in PROGRAMS.items():
        need(program, package, steps)
    client = _found_or_started(steps)
    need("docker", "docker-cli", steps)  # newer distributions keep it in a package of its own
    return client


def _found_or_started(steps: Steps) -> Any:
    client, trouble = _answering()
    if client is not None:
        return client
    if "Permission denied" in trouble:
        raise Refused("the Docker Engine refuses this account: add it to the group docker and log in again")
    if shutil.which("dockerd") is None:
        if not can_install():
            raise Refused("there is no Docker Engine here: install Docker Engine 20.10 or newer and start it")
        with steps.step("installing the Docker Engine (package docker.io)"):
            install("docker.io")
    if os.geteuid() != 0:
        raise Refused("the Docker Engine does not answer: start it (sudo systemctl start docker) and try again")
    with steps.step("starting the Docker Engine"):
        return _started()


@contextmanager
def existing_engine() -> Iterator[Any | None]:
    """The client of this machine's engine if it answers now; nothing is installed or started.

    Raises:
        NotInstalled: The SDK, or another of the lab's libraries, is not here.
    """
    extra.require()
    client, _ = _answering()
    try:
        yield client
    finally:
        if client is not None:
            client.close()


def _answering() -> tuple[Any | None, str]:
    import docker
    from docker.errors import DockerException

    try:
        _touch()
        client = docker.from_env(timeout=60)
        client.ping()
    except (DockerException, OSError) as error:
        return None, str(error)
    return client, ""


def _touch() -> None:
    """Connect once ourselves: where nobody listens, the SDK would leave its own socket open."""
    address = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if address.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(address.removeprefix("unix://"))


def _started() -> Any:
    if Path("/run/systemd/system").is_dir():
        run(["systemctl", "start", "docker"], seconds=ENGINE_START_SECONDS)
    else:
        with ENGINE_LOG.open("ab") as log:
            subprocess.run(["setsid", "--fork", "dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
    deadline = time.monotonic() + ENGINE_START_SECONDS
    while True:
        client, trouble = _answering()
        if client is not None:
            if ENGINE_PID.exists():
                STARTED_BY_US.write_text(ENGINE_PID.read_text())
            return client
        if time.monotonic() > deadline:
            said = ENGINE_LOG.read_text(errors="replace") if ENGINE_LOG.exists() else trouble
            raise LabError(f"the Docker Engine did not answer within {ENGINE_START_SECONDS:.0f} s of its start", said)
        threading.Event().wait(0.2)


def stop_engine(client: Any) -> bool:
    """Stop the engine again where we started it ourselves and nobody else has taken to it; returns whether we did.

    Raises:
        LabError: It did not end in time.
    """
    ours = STARTED_BY_US.exists() and ENGINE_PID.exists() and STARTED_BY_US.read_text() == ENGINE_PID.read_text()
    if not ours or client.api.containers(all=True):
        return False
    os.kill(int(ENGINE_PID.read_text()), signal.SIGTERM)
    STARTED_BY_US.unlink()
    deadline = time.monotonic() + ENGINE_START_SECONDS
    while ENGINE_PID.exists():
        if time.monotonic() > deadline:
            raise LabError(f"the Docker Engine did not stop within {ENGINE_START_SECONDS:.0f} s")
        threading.Event().wait(0.1)
    return True


def need(program: str, package: str, steps: Steps) -> None:
    """See to it that a program is there: from the machine's packages where we may, else say what to install."""
    if shutil.which(program) is not None:
        return
    if not can_install():
        raise Refused(f"the program {program} is missing: install it (package {package} on Debian and Ubuntu)")
    with steps.step(f"installing {package}"):
        install(package)


def can_install() -> bool:
    """Whether packages can be installed here: root on Debian, Ubuntu or a kin of theirs."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None and is_debian()


def is_debian() -> bool:
    """Whether this machine is Debian, Ubuntu or a kin of theirs."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return False
    return bool({"debian", "ubuntu"} & {release.get("ID", ""), *release.get("ID_LIKE", "").split()})


def install(*packages: str) -> None:
    """Install packages, with fresh package lists."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update"], seconds=INSTALL_SECONDS, environment=environment)
    run(
        ["apt-get", "install", "--yes", "--no-install-recommends", *packages],
        seconds=INSTALL_SECONDS,
        environment=environment,
    )


def refuse_production(client: Any) -> None:
    """Refuse on a machine that looks like the service itself.

    Raises:
        Refused: The service's files or one of its containers is on this machine.
    """
    if PRODUCTION_TREE.exists():
        raise Refused(f"{PRODUCTION_TREE} exists on this machine: a lab is never made where the service itself may be")
    for container in client.api.containers(all=True):
        for name in container["Names"]:
            if name.lstrip("/").startswith("psyfit-"):
                raise Refused(
                    f"container {name.lstrip('/')} exists on this machine's engine: "
                    "a lab is never made where the service itself may be"
                )


def room_warning(client: Any) -> str | None:
    """What to say where the machine's own disk is so full that the lab's disk check must fail."""
    folder = Path(client.info()["DockerRootDir"])
    if not folder.exists():
        return None
    usage = shutil.disk_usage(folder)
    used_percent = 100 * usage.used / (usage.used + usage.free)
    if used_percent < ROOM_LIMIT_PERCENT:
        return None
    return f"the machine's disk is {used_percent:.0f} % full: the lab uses it, so its disk check (6.3) will fail"
