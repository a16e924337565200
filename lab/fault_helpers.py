"""What several faults do alike: keep what healing needs, change the proxy's route, its certificate, the containers.

What is needed to heal lies on the server before anything is changed, so that a fault that was cut short heals too.
"""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from lab import LabError
from lab.keys import issue
from lab.server import Server

KEPT = "/run/lab-faults"
SECRETS = "/var/www/psyfit/.kamal/secrets"
TLS = "/var/www/psyfit-proxy/apps-config/psyfit-web/tls"
PROXY_STATE = "docker exec kamal-proxy cat /home/kamal-proxy/.config/kamal-proxy/kamal-proxy.state"
PROXY_OPTIONS = "/var/www/psyfit/bin/proxy-options psyfit-web"
EDGE_ANSWERS = "curl --silent --fail --max-time 2 --output /dev/null https://psytech.jp/api/v1/health"
RELEASE = "$(docker ps --quiet --filter name=^/psyfit-web-[0-9]+$ | head -n 1)"

STANDS_ON_THE_ANSWER = frozenset(
    {
        "the-api-is-healthy",
        "the-health-check-s-http-status-matches-its-body",
        "the-health-response-has-its-documented-fields",
        "the-health-response-is-fresh",
        "the-api-reports-the-version-of-its-release",
        "a-page-that-reads-the-database-responds",
    }
)
STANDS_ON_THE_RELEASE = frozenset(
    {
        "the-application-can-log-in-to-redis",
        "the-application-can-log-in-to-the-database",
        "the-log-of-the-web-release-is-rotated",
        "container-logs-stay-within-their-rotation-limits",
        "exactly-one-release-runs",
        "idle-sessions-time-out",
        "failed-logins-lock-an-account",
        "few-accounts-are-locked",
        "the-running-release-is-the-one-deployed",
        "the-proxy-routes-to-the-running-release",
        "the-running-release-uses-the-current-secrets",
    }
)
STANDS_ON_REDIS = frozenset({"the-application-can-log-in-to-redis"})
STANDS_ON_THE_DATABASE = frozenset(
    {
        "few-accounts-are-locked",
        "no-migration-is-pending",
        "no-query-is-slow",
        "no-session-is-idle-in-transaction",
        "no-query-is-blocked-by-a-lock",
        "the-application-can-log-in-to-the-database",
        "the-database-has-connections-left",
        "the-database-requires-a-password",
        "the-database-is-not-older-than-its-backups",
        "the-database-accepts-the-password-of-the-next-release",
        "the-backup-contains-this-database",
        "no-migration-is-in-progress",
        "the-log-of-the-database-is-rotated",
        "the-releases-reach-their-database",
    }
)
STANDS_ON_THE_PROXY = frozenset(
    {
        "no-job-calls-an-unknown-kamal-proxy-command",
        "the-proxy-forwards-requests",
        "kamal-proxy-s-saved-state-matches-its-live-state",
        "tls-is-terminated-for-the-domain",
        "https-traffic-reaches-kamal-proxy",
        "the-proxy-routes-to-the-running-release",
        "the-release-behind-the-proxy-answers",
    }
)
STANDS_ON_THE_CERTIFICATE = frozenset(
    {
        "the-certificate-does-not-expire-soon",
        "the-certificate-covers-the-domain",
        "the-certificate-is-trusted",
        "private-key-matches-the-certificate",
        "the-served-certificate-is-the-one-on-disk",
        "every-address-serves-the-same-certificate",
        "certificate-renewal-is-set-up",
        "certificate-renewal-runs-automatically",
        "a-renewed-certificate-is-reloaded",
        "only-tls-1-2-and-newer-is-accepted",
    }
)
"""The scenarios that cannot be told where the one that they stand on fails."""

TOLD_FROM_OUTSIDE = frozenset(
    {
        "a-page-that-reads-the-database-responds",
        "github-actions-has-its-secrets",
        "only-tls-1-2-and-newer-is-accepted",
        "plain-http-redirects-to-https",
        "the-api-is-healthy",
        "the-application-itself-answers-the-health-check",
        "the-certificate-covers-the-domain",
        "the-certificate-is-trusted",
        "the-certificate-does-not-expire-soon",
        "the-domain-resolves-to-the-server",
        "the-domain-serves-a-certificate",
        "the-health-response-has-its-documented-fields",
        "the-off-site-bucket-is-not-public",
        "the-off-site-bucket-has-versioning-enabled",
        "the-health-check-s-http-status-matches-its-body",
    }
)
"""The scenarios that can be told without a line to the server."""

KEEP = """
set -eu
umask 077
mkdir -p {folder}
cd {folder}
[ -e {name} ] || {{ ( {script} ) > {name}.part; mv {name}.part {name}; }}
"""

DEPLOY = """
set -euf
cd {folder}
IFS='
'
set -- $({options} flags < route.json)
wanted={target}
docker exec kamal-proxy kamal-proxy deploy psyfit-web --target="${{wanted:-$({options} target < route.json)}}" "$@" \
  --deploy-timeout=20s --drain-timeout=1s {more}
"""

RELAY_PORT = 8443
REDIRECT = f"PREROUTING --in-interface eth0 --protocol tcp --dport 443 --jump REDIRECT --to-ports {RELAY_PORT}"

RELAY = f"""
import asyncio, ssl, sys

oldest, find, replace = sys.argv[1:]
front = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
front.set_ciphers("ALL:@SECLEVEL=0")
front.minimum_version = ssl.TLSVersion[oldest]
front.load_cert_chain("{TLS}/cert.pem", "{TLS}/key.pem")
behind = ssl.create_default_context()


async def pass_on(source, sink, change=lambda chunk: chunk):
    try:
        while chunk := await source.read(65536):
            sink.write(change(chunk))
            await sink.drain()
    except OSError:
        pass
    sink.close()


def answered(chunk):
    return chunk.replace(find.encode(), replace.encode()) if find else chunk


async def serve(source, sink):
    try:
        far = await asyncio.open_connection("127.0.0.1", 443, ssl=behind, server_hostname="psytech.jp")
    except OSError:
        return sink.close()
    await asyncio.gather(pass_on(source, far[1]), pass_on(far[0], sink, answered))


async def listen():
    server = await asyncio.start_server(serve, "", {RELAY_PORT}, ssl=front)
    await server.serve_forever()


asyncio.run(listen())
"""


def keep(server: Server, fault: str, name: str, script: str) -> None:
    """Keep what a script prints, until `forget`; what is kept already stays."""
    server.run(KEEP.format(folder=_folder(fault), name=name, script=script)).required()


def kept(server: Server, fault: str, name: str) -> str | None:
    """What was kept; None where nothing was."""
    done = server.run(f"cat {_folder(fault)}/{name}")
    return done.out if done.status == 0 else None


def attempt(server: Server, script: str) -> None:
    """Run a script that may find nothing to do: a heal after an inject that was cut short."""
    server.run(f"( {script} ) || true").required()


def forget(server: Server, fault: str) -> None:
    """Forget all that was kept for a fault: it is healed."""
    server.run(f"rm -rf {_folder(fault)}").required()


def edit_secrets(server: Server, fault: str, editing: str) -> None:
    """Keep .kamal/secrets and put in its place what a filter makes of it."""
    keep(server, fault, "secrets", f"cat {SECRETS}")
    server.run(f"( {editing} ) < {_folder(fault)}/secrets > {SECRETS}").required()


def put_secrets_back(server: Server, fault: str) -> None:
    """Put .kamal/secrets back."""
    server.run(f"[ ! -e {_folder(fault)}/secrets ] || cat {_folder(fault)}/secrets > {SECRETS}").required()
    forget(server, fault)


def wait_until_well(server: Server) -> None:
    """Wait until the service answers at the edge and the release finds itself healthy.

    Raises:
        LabError: It did not within half a minute.
    """
    healthy = f'[ "$(docker inspect --format "{{{{.State.Health.Status}}}}" {RELEASE})" = healthy ]'
    what = "the service answers at the edge and the release is healthy"
    server.wait_until(f"{EDGE_ANSWERS} && {healthy}", seconds=30, what=what)


def keep_route(server: Server, fault: str) -> None:
    """Keep the route with all its options."""
    keep(server, fault, "route.json", PROXY_STATE)


def deploy(server: Server, fault: str, *more: str, target: str = "") -> None:
    """Route as was kept, with these further flags; to another target where one is named."""
    script = DEPLOY.format(
        folder=_folder(fault), options=PROXY_OPTIONS, target=shlex.quote(target), more=shlex.join(more)
    )
    server.run(script).required()


def restore_route(server: Server, fault: str) -> None:
    """Route again as was kept, wait until the service is well, and forget what was kept."""
    if kept(server, fault, "route.json") is not None:
        server.run("docker exec kamal-proxy kamal-proxy resume psyfit-web").required()
        deploy(server, fault)
    wait_until_well(server)
    forget(server, fault)


def stop(server: Server, fault: str, container: str) -> None:
    """Stop a container in an orderly way, and keep its name."""
    keep(server, fault, "container", f"echo {shlex.quote(container)}")
    server.run(f"docker stop --time 10 {shlex.quote(container)}").required()


def start_again(server: Server, fault: str) -> None:
    """Start the container that was stopped, and wait until the service is well."""
    container = kept(server, fault, "container")
    if container:
        server.run(f"docker start {shlex.quote(container.strip())}").required()
    wait_until_well(server)
    forget(server, fault)


def certificate_for(server: Server, name: str, days: int) -> tuple[bytes, bytes]:
    """A key and a certificate of the lab's authority for this name that ends in so many days, PEM."""
    authority = x509.load_pem_x509_certificate((server.state / "ca.pem").read_bytes())
    key = load_pem_private_key((server.state / "ca-key.pem").read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise LabError("the lab's authority has a key of another kind than `runbook lab up` makes")
    return issue(key, authority, (name,), datetime.now(UTC) + timedelta(days=days))


def keep_pair(server: Server, fault: str) -> None:
    """Keep the certificate, its key and the route that they are loaded with."""
    keep_route(server, fault)
    for name in ("cert.pem", "key.pem"):
        keep(server, fault, name, f"cat {TLS}/{name}")


def show_certificate(server: Server, fault: str, key: bytes, certificate: bytes) -> None:
    """Put this pair in the place of the service's and make the proxy load it; `restore_pair` undoes it."""
    keep_pair(server, fault)
    put(server, "key.pem", key)
    put(server, "cert.pem", certificate)
    deploy(server, fault)


def put(server: Server, name: str, content: bytes) -> None:
    """Write one of the proxy's files; owner and mode stay."""
    server.run(f"cat > {TLS}/{name}", stdin=content).required()


def restore_pair(server: Server, fault: str) -> None:
    """Put the service's own certificate and key back and make the proxy load them."""
    server.run(f"cd {_folder(fault)} && for one in cert.pem key.pem; do [ ! -e $one ] || cat $one > {TLS}/$one; done")
    restore_route(server, fault)


def put_in_front(server: Server, fault: str, oldest: str, find: str = "", replace: str = "") -> None:
    """Put something in front of the proxy that ends TLS itself.

    Args:
        oldest: The oldest version of TLS that it speaks, as Python's ssl names it.
        find: What it replaces in answers, by text of the same length.
    """
    keep(server, fault, "relay.py", f"cat <<'END'\n{RELAY}END\n")
    arguments = shlex.join([oldest, find, replace])
    server.run(
        f"cd {_folder(fault)} && "
        f"{{ setsid python3 relay.py {arguments} < /dev/null > relay.log 2>&1 & echo $! > pid; }}"
    ).required()
    server.wait_until(
        "curl --silent --fail --output /dev/null "
        f"--connect-to psytech.jp:443:127.0.0.1:{RELAY_PORT} https://psytech.jp/up",
        seconds=10,
        what="what was put in front of the proxy forwards requests",
    )
    server.run(f"iptables --table nat --insert {REDIRECT}").required()


def take_from_front(server: Server, fault: str) -> None:
    """Take it away again."""
    attempt(server, f"iptables --table nat --delete {REDIRECT}")
    attempt(server, f"kill $(cat {_folder(fault)}/pid)")
    forget(server, fault)


def _folder(fault: str) -> str:
    return f"{KEPT}/{fault}"
