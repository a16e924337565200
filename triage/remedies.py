"""The commands that heal, or that read more.

A remedy is a template over the target's facts and over what was seen, as an action is. None is taken from the runbook
where that is known to be wrong: a route is never changed without every option that it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from drills.rollback.switch_actions import DEPLOY as LEADING
from runbook.model.template import Facts, render_shell


@dataclass(frozen=True)
class Remedy:
    """One shell text for the server; ``{name}`` stands for a fact or a value of `with_values`, quoted for the shell."""

    script: str
    values: tuple[tuple[str, str | tuple[str, ...]], ...] = ()

    def with_values(self, **values: str | Sequence[str]) -> Remedy:
        """The same remedy with values that an observation told."""
        frozen = ((name, value if isinstance(value, str) else tuple(value)) for name, value in values.items())
        return replace(self, values=(*self.values, *frozen))

    def render(self, facts: Facts) -> str:
        """The shell text as it is to be run."""
        return render_shell(self.script, {**facts, **dict(self.values)})


# What heals

START_CONTAINER = Remedy("docker start {container}")
UNPAUSE = Remedy("docker unpause {container}")
RESTART = Remedy("docker restart {container}")
RESUME = Remedy("docker exec {proxy} kamal-proxy resume {proxy_service}")
POINT_PROXY_AT = Remedy(LEADING % "to")
START_AND_POINT_PROXY_AT = Remedy(f"{START_CONTAINER.script} && {POINT_PROXY_AT.script}")
RESTORE_TLS = Remedy(
    "folder=/home/kamal-proxy/.apps-config/{proxy_service}/tls; set -- --tls; "
    "! docker exec {proxy} test -e $folder/cert.pem || "
    "set -- --tls --tls-certificate-path=$folder/cert.pem --tls-private-key-path=$folder/key.pem; "
    f'{POINT_PROXY_AT.script} "$@"'
)
"""With the certificate that kamal has put beside the proxy, else with one that the proxy gets by itself."""

SAME_PASSWORD = Remedy(
    "docker inspect --format '{{{{range .Config.Env}}}}{{{{println .}}}}{{{{end}}}}' {release} | "
    r"""sed -n "s/'/''/g; s/^POSTGRES_PASSWORD=\(.*\)/ALTER ROLE :\"role\" PASSWORD '\1';/p" | """
    'docker exec -i {db} sh -c \'exec psql -Xq -v role="$2" -U "${{POSTGRES_USER:-postgres}}" -d "$1"\' '
    "sh {database} {role}"
)
"""Gives the database the password that the running release has; it goes through pipes, into no argument list."""

RECONNECT_NETWORK = Remedy("docker network connect {network} {container}")
NGINX = Remedy("nginx -t && {{ systemctl start nginx 2>/dev/null || nginx; }}")
REDEPLOY = Remedy("cd {app} && bin/deploy.sh")

# What shows more, where no one command heals

LOG = Remedy("docker logs --tail 50 {container}")
LISTING = Remedy("docker ps --all")
SHOW_NGINX_UPSTREAM = Remedy("nginx -T 2>/dev/null | grep -n -e server_name -e proxy_pass")
