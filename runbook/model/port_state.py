"""What a line to one port of a server has met."""

from __future__ import annotations

from enum import StrEnum


class Met(StrEnum):
    """What a line to one port met, as the line says it."""

    OK = "ok"
    REFUSED = "refused"
    TIMED_OUT = "timed out"
    NOT_YET = "no answer yet"
    NO_ROUTE = "no route"
    NO_ADDRESS = "no address"
    FAILED = "failed"
    SILENT = "silent"
    CUT = "cut"
    STOPPED = "stopped answering"
    OTHER_KEY = "other host key"
    LOGIN_REFUSED = "login refused"
    NO_SUDO = "no sudo"
    NO_TLS = "no TLS"
    UNTRUSTED = "certificate not trusted"

    @property
    def shows_life(self) -> bool:
        """Whether somebody at the address must have answered; a refusal is an answer."""
        return self not in (Met.TIMED_OUT, Met.NOT_YET, Met.NO_ROUTE, Met.NO_ADDRESS, Met.FAILED, Met.STOPPED)

    @property
    def closed(self) -> bool:
        """Whether the server itself says that nobody serves there: it refuses, or hangs up without a word."""
        return self in (Met.REFUSED, Met.CUT)

    @property
    def answered(self) -> bool:
        """Whether what should be there has said something, be it no."""
        return self in (Met.OK, Met.OTHER_KEY, Met.LOGIN_REFUSED, Met.NO_SUDO, Met.NO_TLS, Met.UNTRUSTED)
