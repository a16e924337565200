"""The acts of a rollback: start, switch, stop, each with an undo that is right in every state."""

from __future__ import annotations

from drills.rollback import proxy_route as routes
from runbook.model.action import Action

ENTRY = "entry() {{\n" + routes.READ + "\n}}\n"
DEPLOY = (
    "docker exec {proxy} kamal-proxy deploy {proxy_service} --target={%s} {flags} "
    "--deploy-timeout=30s --drain-timeout=30s"
)
LEAD_BACK = (
    ENTRY
    + """\
now=$(entry) || exit 1
case $now in
  {before}) ;;
  %s)
    """
    + DEPLOY % "target"
    + """ &&
      [ "$(entry)" = {before} ] || {{ echo "the proxy could not be led back"; exit 1; }} ;;
  "") echo "the route of the proxy could not be read"; exit 1 ;;
  *) echo "interfered: somebody else has changed the route of the proxy"; exit 3 ;;
esac
"""
)
"""Right in every state: it acts only where the proxy leads to where the drill has led it."""

RUNNING = """\
found=$(docker ps --all --quiet --no-trunc --filter 'name=^/'{release}'$') || exit 1
[ -n "$found" ] || {{ echo "interfered: somebody else has removed "{release}; exit 3; }}
running=$(docker inspect --format '{{{{.State.Running}}}}' "$found") || exit 1
"""
"""That a container is gone is a finding only where the engine answers: where it does not, nothing is known."""

STOP_STARTED = RUNNING + '[ "$running" = false ] || docker stop --time 20 {release}'

START = Action("docker start {release}", LEAD_BACK % "{left}" + STOP_STARTED, seconds=20, undo_seconds=110)
SWITCH = Action(DEPLOY % "to", LEAD_BACK % "{left}", seconds=75, undo_seconds=75)
STOP = Action(
    "docker stop --time 20 {release}",
    ENTRY
    + RUNNING
    + """\
# While the proxy routes elsewhere, a stop that was cut may still be in progress: to stop again waits for its end.
[ "$running" = false ] || [ "$(entry)" != {left} ] || docker stop --time 20 {release}
docker start {release}""",
    seconds=30,
    undo_seconds=60,
)

FORWARD = ": going forward is itself the undo of going back"
START_AGAIN = Action("docker start {release}", FORWARD, seconds=20)
SWITCH_BACK = Action(DEPLOY % "to", FORWARD, seconds=75)
STOP_AGAIN = Action("docker stop --time 20 {release}", FORWARD, seconds=30)

AS_WRITTEN = Action(
    "docker exec {proxy} kamal-proxy deploy {proxy_service} --target {address}:{web_port} --host {domain}",
    LEAD_BACK % """*'"active_targets":["'{address}:{web_port}'"]'*""",
    seconds=75,
    undo_seconds=75,
)
"""Section 3.4's own switch. Its last command, which would stop the release that is well, is left out.

Its address is what the release had then: a later one says nothing of what the drill has left.
"""

IN_DATABASE = """\
docker exec {db} sh -c 'exec psql -XAtq -v ON_ERROR_STOP=1 -U "${{POSTGRES_USER:-postgres}}" -d "$1" -c "$2"' \
  sh {database} "%s" """
ROWS = "{table} WHERE starts_with({column}, '{mark}')"
POST = Action(
    IN_DATABASE % ("SELECT count({column}) FROM " + ROWS),
    IN_DATABASE % ("DELETE FROM " + ROWS),
)
"""The probe's POSTs write a row each: none is sent before it is known that they can be counted and taken away."""
