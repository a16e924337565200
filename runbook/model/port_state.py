"""What a line to one port of a server has met."""

from __future__ import annotations

from enum import StrEnum


class PortState(StrEnum):
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
        return self not in (
            PortState.TIMED_OUT,
            PortState.NOT_YET,
            PortState.NO_ROUTE,
            PortState.NO_ADDRESS,
            PortState.FAILED,
            PortState.STOPPED,
        )

    @property
    def closed(self) -> bool:
        """Whether the server itself says that nobody serves there: it refuses, or hangs up without a word."""
        return self in (PortState.REFUSED, PortState.CUT)

    @property
    def answered(self) -> bool:
        """Whether what should be there has said something, be it no."""
        return self in (
            PortState.OK,
            PortState.OTHER_KEY,
            PortState.LOGIN_REFUSED,
            PortState.NO_SUDO,
            PortState.NO_TLS,
            PortState.UNTRUSTED,
        )
