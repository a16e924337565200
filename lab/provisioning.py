"""What stands on the lab's server: accounts, repository, services, releases, a week of backups."""

from __future__ import annotations

import io
import os
import shlex
import tarfile
from pathlib import Path

from lab import Refused
from lab import edge as edges
from lab.edge import Edge
from lab.images import PROXY, REDIS, RUNTIME, Images
from lab.keys import Keys
from lab.programs import run
from lab.server import Server

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "psyfit"
HISTORY = HERE / "psyfit-server" / "history.sh"
CRONTAB = HERE / "psyfit-server" / "crontab"
RESOLVER = HERE / "psyfit-server" / "resolver.py"
NAMES = "/etc/psyfit-lab-names"
SCRIPTS = ("deploy.sh", "backup.sh", "restore.sh", "monitor.sh", "cleanup-docker.sh")
"""What the runbook calls."""

APP = "/var/www/psyfit"
OWNER = "deploy"
"""Whose the clone and its origin are. Git trusts nobody's clone but his who asks, so it is always asked as this one."""

GIT = f"sudo -n -u {OWNER} git -C {APP}"
"""Git in the clone as root asks it."""

PROXY_TREE = "/var/www/psyfit-proxy/apps-config"
OLD_VERSION = "1.0.0"
NEW_VERSION = "1.1.0"

ENGINE_SECONDS = 60.0
LOAD_SECONDS = 180.0
DEPLOY_SECONDS = 120.0
HISTORY_SECONDS = 120.0

ACCOUNTS = """
for account in root deploy guest; do
  home=$(getent passwd "$account" | cut -d: -f6)
  install -d -m 0700 -o "$account" -g "$account" "$home/.ssh"
  printf '%s\\n' {login} | install -m 0600 -o "$account" -g "$account" /dev/stdin "$home/.ssh/authorized_keys"
done
"""

BACKUP_KEY = """
gpg --batch --quiet --import && echo {fingerprint}:6: | gpg --batch --quiet --import-ownertrust
"""

AUTHORITY = """
cat > /usr/local/share/ca-certificates/psyfit-lab.crt && update-ca-certificates
"""

NAME = """
set -e
echo {name} {address} > {names}
cat > /usr/local/sbin/lab-resolver
setsid python3 /usr/local/sbin/lab-resolver {names} < /dev/null > /var/log/lab-resolver.log 2>&1 &
"""

CREDENTIALS = """
mkdir /srv/psyfit && cd /srv/psyfit && tar --extract --file=- &&
bin/rails credentials:init >&2 && cat config/credentials.yml.enc
"""

FOLDERS = """
install -d -o {owner} -g {owner} /srv/git/psyfit.git /var/www/psyfit
"""

ORIGIN = """
set -e
git config --global user.name PsyFit
git config --global user.email dev@psyfit.example
git init --quiet --bare --initial-branch=main /srv/git/psyfit.git
git clone --quiet /srv/git/psyfit.git ~/psyfit 2> /dev/null
cd ~/psyfit
git checkout --quiet -b main
tar --extract --file=-
"""

FIRST_RELEASE = """
set -e
cd ~/psyfit
newest=$(ls db/migrate/*.sql | tail -n 1)
mkdir ~/later
mv "$newest" VERSION ~/later/
echo {version} > VERSION
git add --all
git commit --quiet --message="Release {version}"
git push --quiet origin main
mv ~/later/VERSION .
mv ~/later/*.sql db/migrate/
rmdir ~/later
umask 022
git clone --quiet /srv/git/psyfit.git /var/www/psyfit
"""

SECOND_RELEASE = """
set -e
cd ~/psyfit
echo {version} > VERSION
git add --all
git commit --quiet --message="Release {version}"
git push --quiet origin main
rm -r ~/psyfit
cd /var/www/psyfit
git pull --quiet origin main
"""

SECRETS = """
set -e
install -d -m 0700 /var/www/psyfit/.kamal
umask 077
cat > /var/www/psyfit/.kamal/secrets
printf '%s\n' ALERT_EMAIL=alerts@psyfit.example BACKUP_KEYS_RECIPIENT=backup@psyfit.example > /var/www/psyfit/.env
"""

REDIS_CONF = """
set -e
umask 077
password=$(sed -n 's/^REDIS_PASSWORD=//p' /var/www/psyfit/.kamal/secrets)
cat > /var/www/psyfit/.kamal/redis.conf <<END
bind 0.0.0.0
requirepass $password
save ""
dir /tmp
END
chown {uid} /var/www/psyfit/.kamal/redis.conf
"""

CERTIFICATE = """
set -e
install -d -m 0755 {tree}/psyfit-web
install -d -m 0700 -o {uid} {tree}/psyfit-web/tls
cd {tree}/psyfit-web/tls
umask 077
tar --extract --no-same-permissions --file=-
chown {uid} cert.pem key.pem
"""

DATABASE = """
set -e
grep '^POSTGRES_PASSWORD=' /var/www/psyfit/.kamal/secrets | docker run --detach --name psyfit-db --network kamal \
  --restart unless-stopped --log-driver json-file --log-opt max-size=10m --log-opt max-file=3 \
  --env-file /dev/stdin --env POSTGRES_USER=psyfit_prod --env POSTGRES_DB=psyfit_production \
  --volume psyfit-db-data:/var/lib/postgresql/data {image}
"""

CACHE = """
docker run --detach --name psyfit-redis --network kamal \
  --restart unless-stopped --log-driver json-file --log-opt max-size=10m --log-opt max-file=3 \
  --volume /var/www/psyfit/.kamal/redis.conf:/etc/redis.conf:ro {image} redis-server /etc/redis.conf
"""

EDGE = """
docker run --detach --name kamal-proxy --network kamal {published} \
  --restart unless-stopped --log-driver json-file --log-opt max-size=10m --log-opt max-file=3 \
  --volume kamal-proxy-config:/home/kamal-proxy/.config/kamal-proxy \
  --volume {tree}:/home/kamal-proxy/.apps-config {image}
"""

SERVICES_ANSWER = """
docker exec psyfit-db pg_isready --quiet --host=127.0.0.1 --username=psyfit_prod --dbname=psyfit_production &&
docker exec psyfit-redis redis-cli ping | grep -q -e PONG -e NOAUTH &&
docker exec kamal-proxy kamal-proxy list > /dev/null
"""

FILES = """
set -e
docker exec $(docker ps --quiet --filter name=^/psyfit-web-) sh -ec '
  cd /rails/storage
  for number in 1 2 3 4 5 6 7 8; do
    key=$(od -An -tx1 -N 14 /dev/urandom | tr -d " ")
    folder=$(echo "$key" | cut -c 1-2)/$(echo "$key" | cut -c 3-4)
    mkdir -p "$folder"
    head -c "$((number * 3000))" /dev/urandom > "$folder/$key"
  done
  mkdir -p imported
  head -c 5000 /dev/urandom > "imported/架空 花子 hanako.kakuu@example.jp.pdf"
'
"""

IN_APP = """
cd /var/www/psyfit && docker run --rm --network kamal --env-file .kamal/secrets --env DATABASE_HOST=psyfit-db \
  --env DATABASE_NAME=psyfit_production --env DATABASE_USER=psyfit_prod \
  psyfit:"$({git} rev-parse --short HEAD)" {command}
"""


def load_images(server: Server, images: Images) -> None:
    """Bring the inner images into the server's own engine, under their usual names."""
    server.wait_until("docker version > /dev/null", seconds=ENGINE_SECONDS)
    with images.archive.open("rb") as archive:
        run(
            ["docker", "exec", "-i", server.container, "docker", "load", "--quiet"],
            seconds=LOAD_SECONDS,
            stdin=archive,
        )
    renaming = [f"docker tag {there} {name} && docker rmi {there}" for there, name in images.inner.items()]
    server.run(" && ".join([*renaming, "docker network create kamal"])).required()


def let_operator_in(server: Server, keys: Keys) -> list[str]:
    """Let the operator's key into all accounts; returns the server's host keys, as in known_hosts."""
    server.run(ACCOUNTS.format(login=shlex.quote(keys.login))).required()
    return server.run("cut -d' ' -f1,2 /etc/ssh/ssh_host_*_key.pub").required().out.splitlines()


def start_resolver(server: Server, name: str, address: str) -> None:
    """Start what answers for the public name: on the operator's side it leads to the lab."""
    script = NAME.format(name=shlex.quote(name), address=shlex.quote(address), names=NAMES)
    server.run(script, stdin=RESOLVER.read_bytes()).required()


def trust(server: Server, keys: Keys) -> None:
    """Make the server trust the lab's certificate authority, and know the backup key's public half."""
    server.run(AUTHORITY, stdin=keys.authority).required()
    server.run(BACKUP_KEY.format(fingerprint=keys.backup_fingerprint), stdin=keys.backup_key).required()


def check_scripts(folder: Path) -> None:
    """Whether somebody's own scripts can take the place of the lab's.

    Raises:
        Refused: One that the runbook names is missing, or cannot be executed.
    """
    for name in SCRIPTS:
        script = folder / name
        if not script.is_file() or not os.access(script, os.X_OK):
            raise Refused(f"{script} is not a file that can be executed; expected {', '.join(SCRIPTS)}")


def commit_first_release(server: Server, images: Images, keys: Keys, edge: Edge, scripts: Path | None) -> None:
    """Make the bare origin with the first release in it, and the service's clone of it with its secrets.

    Args:
        scripts: A folder whose files go over those of the lab's own ``bin/``.
    """
    source = _source(scripts)
    server.run(FOLDERS.format(owner=OWNER)).required()
    server.run(ORIGIN, user=OWNER, stdin=source).required()
    credentials = _credentials(images, keys.secrets["RAILS_MASTER_KEY"], source)
    server.run("cat > ~/psyfit/config/credentials.yml.enc", user=OWNER, stdin=credentials).required()
    options = edges.proxy_options(edge, (SOURCE / "config" / "proxy-options").read_text())
    server.run("cat > ~/psyfit/config/proxy-options", user=OWNER, stdin=options.encode()).required()
    server.run(FIRST_RELEASE.format(version=OLD_VERSION), user=OWNER).required()
    lines = "".join(f"{name}={value}\n" for name, value in keys.secrets.items())
    server.run(SECRETS, stdin=lines.encode()).required()


def configure(server: Server, images: Images, keys: Keys, edge: Edge) -> None:
    """Put Redis's password and the edge's certificate where only their accounts can read them."""
    server.run(REDIS_CONF.format(uid=images.redis_uid)).required()
    if edge == edges.NGINX:
        edges.furnish(server, keys)
        return
    pair = _tar({"cert.pem": keys.certificate, "key.pem": keys.certificate_key})
    server.run(CERTIFICATE.format(uid=images.proxy_uid, tree=PROXY_TREE), stdin=pair).required()


def start_services(server: Server, images: Images, edge: Edge) -> None:
    """Start database, Redis and proxy, and wait until they answer."""
    server.run(
        DATABASE.format(image=images.postgres)
        + CACHE.format(image=REDIS)
        + EDGE.format(image=PROXY, tree=PROXY_TREE, published=edges.PUBLISHED[edge])
    ).required()
    server.wait_until(SERVICES_ANSWER, seconds=60)


def deploy(server: Server) -> None:
    """Deploy what the service's clone has checked out."""
    server.run(f"cd {APP} && bin/deploy.sh", seconds=DEPLOY_SECONDS).required()


def seed(server: Server) -> None:
    """Fill the database with made-up people and their records, and the volume with files as if they were theirs."""
    server.run(IN_APP.format(git=GIT, command="bin/rails db:seed"), seconds=DEPLOY_SECONDS).required()
    server.run(FILES).required()


def commit_second_release(server: Server) -> None:
    """Push the second release to the origin and pull it into the service's clone."""
    server.run(SECOND_RELEASE.format(version=NEW_VERSION), user=OWNER).required()


def make_history(server: Server) -> None:
    """Let a week pass: each night's rows and backup."""
    place = "/run/history.sh"
    server.run(f"cat > {place}; chmod +x {place}", stdin=HISTORY.read_bytes()).required()
    server.run(f"{place} && rm {place}", seconds=HISTORY_SECONDS).required()


def start_cron_jobs(server: Server) -> None:
    """Install root's crontab and run each of its jobs once."""
    server.run("crontab -", stdin=CRONTAB.read_bytes()).required()
    server.run_cron_jobs()


def _credentials(images: Images, master_key: str, source: bytes) -> bytes:
    """The repository's encrypted credentials, made by the app itself, on this machine's engine: it is idle now."""
    runtime = next(there for there, name in images.inner.items() if name == RUNTIME)
    return run(
        ["docker", "run", "--rm", "-i", "--network=none", "--env=RAILS_MASTER_KEY", runtime, "sh", "-c", CREDENTIALS],
        seconds=LOAD_SECONDS,
        stdin=source,
        environment={**os.environ, "RAILS_MASTER_KEY": master_key},
    )


def _source(scripts: Path | None) -> bytes:
    """The repository's files, as a tar archive; of two with one name the later counts."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path in sorted(SOURCE.rglob("*")):
            if "__pycache__" not in path.parts:
                archive.add(path, str(path.relative_to(SOURCE)), recursive=False, filter=_as_root)
        for path in sorted(scripts.iterdir()) if scripts else ():
            if path.is_file():
                archive.add(path, f"bin/{path.name}", filter=_as_root)
    return stream.getvalue()


def _as_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def _tar(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            member.mode = 0o400
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()
