"""Make a lab: from nothing to a healthy server that has been in use for a week."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from lab import LabError, Refused, attested, host_engine, images, keys, offsite, outer_container, programs, provisioning
from lab.down import remove
from lab.edge import KAMAL_PROXY, Edge
from lab.images import Images
from lab.keys import DOMAIN
from lab.outer_container import PORTS
from lab.parallel import begin
from lab.progress import Steps
from lab.server import DEFAULT_NAME, Server

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

SSH_CONFIG = """\
Host *
  HostName {address}
  Port {port}
  IdentityFile "{state}/id_ed25519"
  IdentitiesOnly yes
  UserKnownHostsFile "{state}/known_hosts"
  StrictHostKeyChecking yes
"""

TARGET = """\
# The disposable server that `runbook lab up --name {name}` made.
name = "{name}"
environment = "lab"
address = "{address}"
domain = "{domain}"
attestations = "{state}/attestations.toml"

[ssh]
user = "root"
port = {ssh_port}
config = "{state}/ssh_config"

[edge]
https_port = {https_port}
http_port = {http_port}
ca_file = "{state}/ca.pem"
database_page = "/api/v1/clinics"

[dns]
resolver = "{address}"
port = {dns_port}

[backups]
freshness_columns = ["appointments.created_at", "audit_events.created_at"]
encrypted_columns = [
  "people.name_ciphertext",
  "people.email_ciphertext",
  "people.email_bidx",
  "staff.email_ciphertext",
  "staff.email_bidx",
  "messages.body_ciphertext",
]
encryption_key = "{state}/backup-key.asc"
keyring = "{state}/gnupg"
volumes = ["psyfit_storage"]

[offsite]
bucket = "{bucket}"
endpoint = "{endpoint}"
region = "{region}"
credentials = "{state}/offsite-credentials"

[login_policy]
locked_at = "accounts.locked_at"

[objectives]
rto_seconds = 60
rpo_hours = 25

[probe]
slow_page = "/api/v1/report"
post_path = "/api/v1/check-ins"

[github]
api = "http://{address}:{github_port}"
repository = "psyfit/psyfit"
"""


def up(
    name: str = DEFAULT_NAME, steps: Steps | None = None, *, edge: Edge = KAMAL_PROXY, scripts: Path | None = None
) -> Server:
    """Make the lab of this name; what was begun is taken away again where it fails or is interrupted.

    Args:
        edge: Who ends TLS on it.
        scripts: Somebody's own ``bin/``, to be tried in place of the lab's.

    Raises:
        NotInstalled: The lab's libraries are not here.
        Refused: The machine looks like the service's own, a lab of this name is there already, or scripts are missing.
        LabError: It could not be made.
    """
    steps = steps or Steps()
    if scripts is not None:
        provisioning.check_scripts(scripts)
    server = Server(name)
    with images.one_at_a_time("engine"):
        engine = host_engine.engine(steps)
    with closing(engine) as client:
        host_engine.refuse_production(client)
        _refuse_second(client, server)
        if warning := host_engine.room_warning(client):
            steps.say(warning)
        with ended_only_by_exceptions(), _told_by_the_lab():
            made = images.ensure(client, steps)
            with ExitStack() as lock:
                lock.enter_context(images.one_at_a_time("up"))
                _refuse_second(client, server)
                with _taken_away_on_failure(client, server, steps):
                    address = _start(client, server, made, steps)
                    lock.close()
                    _furnish(server, address, made, edge, steps, scripts)
    steps.say(f"the lab {name} is up after {steps.elapsed_seconds():.0f} s: {address}")
    return server


def _refuse_second(client: Any, server: Server) -> None:
    if outer_container.address_of(client, server) is not None:
        raise Refused(f"the lab {server.name} exists already: `runbook lab down --name {server.name}` removes it")


def _start(client: Any, server: Server, made: Images, steps: Steps) -> str:
    with steps.step("starting the server"):
        remove(client, server)  # what a lab left that was killed before it could tidy up
        server.state.mkdir(parents=True, mode=0o700)
        return outer_container.start(client, server, made.server)


def _furnish(server: Server, address: str, made: Images, edge: Edge, steps: Steps, scripts: Path | None) -> None:
    def load() -> None:
        with steps.step("loading the inner images"):
            provisioning.load_images(server, made)

    loading = begin(load)
    with steps.step("making keys, accounts and the repository"):
        held = keys.make(server.state)
        host_keys = provisioning.let_operator_in(server, held)
        _write_operators_files(server, address, host_keys)
        provisioning.start_resolver(server, DOMAIN, address)
        trusting = begin(lambda: provisioning.trust(server, held))
        copying = begin(lambda: offsite.furnish(server, address))
        provisioning.commit_first_release(server, made, held, edge, scripts)
        provisioning.configure(server, made, held, edge)
    loading.result()
    with steps.step("starting database, Redis and proxy"):
        provisioning.start_services(server, made, edge)
    trusting.result()
    with steps.step(f"deploying release {provisioning.OLD_VERSION}"):
        provisioning.deploy(server)
    with steps.step("filling the database with made-up people"):
        provisioning.seed(server)
    with steps.step(f"deploying release {provisioning.NEW_VERSION}"):
        provisioning.commit_second_release(server)
        provisioning.deploy(server)
    copying.result()
    with steps.step("letting a week of backups pass"):
        provisioning.make_history(server)
    with steps.step("running the cron jobs once"):
        provisioning.start_cron_jobs(server)


@contextmanager
def _taken_away_on_failure(client: Any, server: Server, steps: Steps) -> Iterator[None]:
    try:
        yield
    except BaseException:
        let_nothing_interrupt()
        with steps.step("removing what was begun"):
            remove(client, server)
        raise


@contextmanager
def _told_by_the_lab() -> Iterator[None]:
    from docker.errors import DockerException

    try:
        yield
    except DockerException as error:
        raise LabError(f"this machine's Docker Engine will not: {error}") from error


@contextmanager
def ended_only_by_exceptions() -> Iterator[None]:
    """Turn each signal that would end the process at once into an exception, and leave no program running."""

    def end(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = {ending: signal.signal(ending, end) for ending in ENDINGS}
    try:
        yield
    except BaseException:
        let_nothing_interrupt()
        programs.end_all()
        raise
    finally:
        for ending, handler in before.items():
            signal.signal(ending, handler)


def let_nothing_interrupt() -> None:
    """From here on, a second Ctrl-C would only leave things behind."""
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)


def _write_operators_files(server: Server, address: str, host_keys: list[str]) -> None:
    served = ("22/tcp", "443/tcp", "80/tcp", "53/udp", "8030/tcp")
    ssh, https, http, dns, github = (PORTS[port] for port in served)
    state = server.state
    facts = {"name": server.name, "address": address, "state": state, "domain": DOMAIN}
    bucket = {"bucket": offsite.BUCKET, "endpoint": offsite.endpoint(address), "region": offsite.REGION}
    (state / "known_hosts").write_text("".join(f"[{address}]:{ssh} {key}\n" for key in host_keys))
    (state / "ssh_config").write_text(SSH_CONFIG.format(port=ssh, **facts))
    (state / "target.toml").write_text(
        TARGET.format(
            ssh_port=ssh, https_port=https, http_port=http, dns_port=dns, github_port=github, **bucket, **facts
        )
    )
    attested.write(state)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    (state / "lab.json").write_text(json.dumps({"name": server.name, "address": address, "created": created}))
