"""bin/rails: one command a call, each importing only what it needs."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

from . import log, settings
from .database import DatabaseFailed
from .refusal import Refused

STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}
USAGE = """usage: bin/rails COMMAND
  server                    serve HTTP on port 3000
  db:migrate                bring the schema up to this release
  db:migrate:status         tell which migrations the database has
  db:seed                   load the made-up history, leading up to SEED_TODAY (default: today)
  db:day WHEN ...           add the rows of days, up to instants such as 2026-02-14T02:00:00
  data:verify               tell of rows on standard input how many values open with today's keys
  credentials:init          write config/credentials.yml.enc under RAILS_MASTER_KEY
  secret                    print a new secret of 128 hexadecimal digits"""


def main(arguments: Sequence[str]) -> int:
    """Run one command and return the exit code: 1 when it was refused or failed, 2 when it is not a command."""
    try:
        match arguments:
            case ["server"]:
                # Blocked before the rest is even imported: they wait until the server asks for them, and cut no request
                # short. The first process of a container would not get them at all.
                signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
                from .server import serve

                serve(STOP_SIGNALS)
            case ["db:migrate"]:
                from .migrations import migrate

                migrate(settings.database())
            case ["db:migrate:status"]:
                from .migrations import status

                print(status(settings.database()))
            case ["db:seed"]:
                from .seed import seed

                seed(settings.database(), settings.keys())
            case ["db:day", *days] if days:
                from .day import add

                add(settings.database(), days)
            case ["data:verify"]:
                from .verification import verify

                verify(sys.stdin, settings.keys())
            case ["credentials:init"]:
                from .credentials import init

                init(settings.master_key())
            case ["secret"]:
                import secrets

                print(secrets.token_hex(64))
            case _:
                print(USAGE, file=sys.stderr)
                return 2
    except (Refused, DatabaseFailed) as error:
        log.error(str(error))
        return 1
    return 0
