"""The server shows another host key than the one that is known: it was set up anew, or it is somebody else's."""

from __future__ import annotations

from lab import hands
from lab.server import Server

section = "1"
fails: set[str] = set()
undetermined: set[str] = set()
passes = {
    "a-page-that-reads-the-database-answers",
    "github-actions-has-its-secrets",
    "only-tls-of-today-is-spoken",
    "plain-http-leads-to-https",
    "the-api-is-healthy",
    "the-application-itself-answers-the-health-check",
    "the-certificate-is-for-the-domain",
    "the-certificate-is-trusted",
    "the-certificate-is-valid-for-long-enough",
    "the-domain-leads-to-the-server",
    "the-domain-shows-a-certificate",
    "the-health-answer-has-its-documented-form",
    "the-off-site-bucket-is-not-public",
    "the-off-site-bucket-keeps-versions",
    "the-status-of-the-health-check-says-what-its-words-say",
}

FAULT = "host-key-other"
KEY = "/etc/ssh/ssh_host_ed25519_key"
KEPT = f"{hands.KEPT}/{FAULT}"
AGAIN = "pkill -x -o sshd; while pgrep -x sshd > /dev/null; do sleep 0.1; done; /usr/sbin/sshd"


def inject(server: Server) -> None:
    for name, file in (("key", KEY), ("key.pub", f"{KEY}.pub")):
        hands.keep(server, FAULT, name, f"cat {file}")
    server.run(f"rm {KEY} {KEY}.pub && ssh-keygen -q -t ed25519 -N '' -f {KEY}").required()
    server.run(AGAIN).required()


def heal(server: Server) -> None:
    server.run(f"[ ! -e {KEPT}/key ] || {{ cat {KEPT}/key > {KEY} && cat {KEPT}/key.pub > {KEY}.pub; }}").required()
    server.run(AGAIN).required()
    hands.forget(server, FAULT)
