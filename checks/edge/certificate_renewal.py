"""Who renews the certificate: certbot for nginx, the proxy for itself (ACME), or a person; and what that rests on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import PurePosixPath

from checks.edge.health_api import PLAIN_HTTP
from checks.edge.kamal_proxy import proxy_state
from checks.edge.tls_termination import Edge, edge
from checks.formats.crontab import read_crontab
from checks.formats.crontab_redaction import REDUCED
from runbook.model import rights
from runbook.model.outcome import NotApplicable, Undetermined
from runbook.model.question import Command
from runbook.observation.snapshot import Snapshot, reading

CERTBOT = Command(
    cleandoc(
        r"""reduced() {{ REDUCED
    }}
    hooks() {{
      sed -nE "s/^[[:space:]]*($1)[[:space:]]*=?[[:space:]]*(.*)/@\1 \2/p" -- "$2" | sed 's/%/_/g' | reduced
    }}
    settings='autorenew|fullchain|privkey|authenticator|installer|webroot_path'
    for file in /etc/letsencrypt/renewal/*.conf; do
      [ ! -r "$file" ] || {{
        grep -E "^[[:space:]]*($settings)[[:space:]]*=" -- "$file"
        hooks 'renew_hook|pre_hook' "$file" | sed -E 's/^@([a-z_]+) /\1 = /'
      }} | awk -v file="$file" '{{ print "conf " file ":" $0 }}'
    done
    cli=/etc/letsencrypt/cli.ini
    [ ! -r "$cli" ] || hooks 'deploy-hook|renew-hook|post-hook' "$cli" | sed 's/^@/hook /'
    for hook in /etc/letsencrypt/renewal-hooks/deploy/* /etc/letsencrypt/renewal-hooks/post/*; do
      [ ! -x "$hook" ] || grep -slE '^[^#]*nginx' "$hook" | sed 's/^/loads /'
    done
    for file in /etc/crontab /etc/cron.d/*; do
      grep -sF certbot -- "$file" | reduced | awk -v file="$file" '{{ print "cron " file ":" $0 }}'
    done
    crontab -l 2>/dev/null | grep -F certbot | reduced | sed 's/^/own /'
    [ ! -d /run/systemd/system ] || echo systemd
    for timer in /etc/systemd/system/timers.target.wants/*certbot*.timer; do
      [ ! -e "$timer" ] || printf 'timer %s\n' "$timer"
    done
    for program in /usr/bin/certbot /usr/local/bin/certbot /snap/bin/certbot; do
      [ ! -x "$program" ] || printf 'program %s\n' "$program"
    done
    sed -n 's/^webroot_path *= *\([^,]*\).*/\1/p' /etc/letsencrypt/renewal/*.conf 2>/dev/null |
      while read -r folder; do
        [ ! -d "$folder" ] || printf 'folder %s\n' "$folder"
      done
    for file in {files}; do
      printf 'link %s %s\n' "$file" "$(readlink -- "$file")"
    done
    if [ -e /etc/letsencrypt/live ] && [ ! -r /etc/letsencrypt/live ]; then
      echo "/etc/letsencrypt/live: Permission denied" >&2
      exit 1
    fi"""
    ).replace("REDUCED", REDUCED),
    needs=rights.ROOT,
)
"""Of hooks and of the lines of crontabs what is read of a crontab anywhere."""

ACME_CACHE = Command("docker exec {proxy} ls -R {cache}", needs=rights.DOCKER, lane="docker")

LETS_ENCRYPT = "/etc/letsencrypt/"
CRON_FILE = re.compile(r"[A-Za-z0-9_-]+")
"""What cron takes from its folder: a name with a dot is passed over in silence."""

NOT_UNDER_SYSTEMD = "-d /run/systemd/system"
BY_HAND = "the certificate files were put there by hand: whoever put them there has to renew them"


@dataclass(frozen=True)
class Configured:
    """What certbot keeps of one certificate: the files that it writes, and how it shows that the name is ours.

    Attributes:
        hook: What it runs after a renewal; ``stops_before`` is the same for before one.
        webroot: The folder that it puts its proof into.
        by_itself: Whether a regular run renews it.
    """

    path: str
    files: frozenset[str]
    authenticator: str
    installer: str
    hook: str
    stops_before: str
    webroot: str
    by_itself: bool


@dataclass(frozen=True)
class Certbot:
    """Certbot on the server.

    Attributes:
        used: The files that nginx uses, each as nginx names it and as the link leads that it may be.
        configured: What it keeps of each certificate.
        runs: What starts it regularly: lines of cron, timers of systemd; those that cannot work left out.
        loading: The programs that run after a renewal and have to do with nginx.
        hooks: The lines that its own settings run after a renewal.
        program: Where it is; None where it is not.
        folders: The folders that are there, of those that it puts its proofs into.
    """

    used: tuple[frozenset[str], ...]
    configured: tuple[Configured, ...]
    runs: tuple[str, ...]
    loading: tuple[str, ...]
    hooks: tuple[str, ...]
    program: str | None
    folders: frozenset[str]

    @property
    def of_this(self) -> Configured | None:
        """What it keeps of the certificate in use; None where it would write none of these files."""
        fits = (one for one in self.configured if all(names & one.files for names in self.used))
        return next(fits, None)

    @property
    def loaded_by(self) -> str | None:
        """What makes nginx load a renewed certificate; None where nothing does."""
        kept = self.of_this
        if kept and kept.installer == "nginx":
            return "certbot's own part for nginx"
        after = (one.partition("certbot")[2] for one in self.runs)
        lines = (one for one in (*self.hooks, *([kept.hook] if kept else ()), *after) if "nginx" in one)
        return next(iter((*self.loading, *lines)), None)


@dataclass(frozen=True)
class Acme:
    """The proxy's own renewal. ``cached`` are the names that it has certificates for."""

    cached: frozenset[str]
    port_80: bool
    plain_status: int


def renewal(snapshot: Snapshot) -> Certbot | Acme:
    """Who renews the certificate by itself.

    Raises:
        NotApplicable: Nobody does: its files were put there by hand.
        Undetermined: Nobody ends TLS.
    """
    seen = snapshot.observe(edge)
    if seen.who == "kamal-proxy":
        return _acme(snapshot, seen)
    if seen.site is None or not seen.site.pairs:
        raise Undetermined("nothing terminates TLS for the domain, so there is no certificate to renew")
    files = [path for pair in seen.site.pairs for path in pair]
    told = snapshot.ask(CERTBOT.with_values(files=files))
    with reading("certbot's files"):
        certbot = read_certbot(told.required("certbot's files").lines)
    certbots = any(name.startswith(LETS_ENCRYPT) for names in certbot.used for name in names)
    if not certbots and not any(PurePosixPath(one.path).stem == snapshot.target.domain for one in certbot.configured):
        raise NotApplicable(BY_HAND)
    return certbot


def _acme(snapshot: Snapshot, seen: Edge) -> Acme:
    saved = snapshot.observe(proxy_state)
    if saved is None or not saved.tls:
        raise Undetermined("the proxy terminates no TLS for the service, so there is no certificate to renew")
    if saved.certificate_path is not None:
        raise NotApplicable(BY_HAND)
    cache, plain = snapshot.ask(ACME_CACHE.with_values(cache=saved.acme_cache), PLAIN_HTTP)
    return Acme(
        cached=frozenset(line.strip().removesuffix("+rsa") for line in cache.lines),
        port_80=any(one.to_everybody for one in seen.plain),
        plain_status=plain.status,
    )


def read_certbot(lines: Iterable[str]) -> Certbot:
    """Read the answer to `CERTBOT`.

    Raises:
        LookupError, ValueError: It is another answer.
    """
    told: dict[str, list[str]] = {}
    for line in lines:
        kind, _, rest = line.partition(" ")
        told.setdefault(kind, []).append(rest)
    systemd = "systemd" in told
    lines_of_cron = [*map(_of_system, told.get("cron", ())), *told.get("own", ())]
    active = read_crontab("".join(f"{line}\n" for line in lines_of_cron)).lines
    renewing = [one.text for one in active if "renew" in one.command]
    links = (line.partition(" ") for line in told["link"])
    return Certbot(
        used=tuple(frozenset({path, _led(path, link)}) for path, _, link in links),
        configured=_read_configured(told.get("conf", ())),
        runs=(
            *(told.get("timer", ()) if systemd else ()),
            *(one for one in renewing if not (systemd and NOT_UNDER_SYSTEMD in one)),
        ),
        loading=tuple(told.get("loads", ())),
        hooks=tuple(told.get("hook", ())),
        program=next(iter(told.get("program", ())), None),
        folders=frozenset(told.get("folder", ())),
    )


def _of_system(line: str) -> str:
    """A line of the system's own crontabs without its file's name; nothing of a file that cron passes over."""
    path, _, text = line.partition(":")
    return text if CRON_FILE.fullmatch(PurePosixPath(path).name) else ""


def _led(path: str, link: str) -> str:
    """Where a link leads: certbot's own links lead into its archive, by a path of their own folder."""
    return link if link.startswith("/") else path


def _read_configured(lines: Iterable[str]) -> tuple[Configured, ...]:
    found: dict[str, dict[str, str]] = {}
    for line in lines:
        path, _, setting = line.partition(":")
        key, _, value = setting.partition("=")
        found.setdefault(path, {})[key.strip()] = value.strip().rstrip(",")
    return tuple(
        Configured(
            path=path,
            files=frozenset(one[key] for key in ("fullchain", "privkey") if key in one),
            authenticator=one.get("authenticator", ""),
            installer=one.get("installer", ""),
            hook=one.get("renew_hook", ""),
            stops_before=one.get("pre_hook", ""),
            webroot=one.get("webroot_path", ""),
            by_itself=one.get("autorenew", "True").lower() != "false",
        )
        for path, one in found.items()
    )
