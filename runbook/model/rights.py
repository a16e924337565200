"""What an account must be allowed to do, so that a question can be answered; and the line that grants it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Right:
    """One right on the server.

    Attributes:
        name: Short name, as printed by ``doctor`` and ``verify --plan``.
        purpose: What the suite needs it for.
        grant: The one thing that grants it, and what that takes.
    """

    name: str
    purpose: str
    grant: str


NETWORK = Right(
    "network",
    "ask the service from outside: HTTP, TLS, DNS",
    "open ports 80 and 443 of the server to this machine",
)
LOGIN = Right(
    "login",
    "run read-only commands on the server",
    "put this account's public key into ~/.ssh/authorized_keys of the target's user",
)
DOCKER = Right(
    "docker",
    "look at containers and images",
    "usermod -aG docker USER (the docker group is as good as root)",
)
ROOT = Right(
    "root",
    "read root's crontab, the backups and the certificates' files",
    "echo 'USER ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/runbook (whoever holds the account's key is then root), "
    'with ssh.become = "sudo -n" in the target file',
)

CLONE = Right(
    "clone",
    "ask git in the service's clone, which it does as the account that the clone belongs to and as no other",
    "let the target's user be that account, or become root (which then becomes that account)",
)

GITHUB = Right(
    "github",
    "list the names of the repository's Actions secrets",
    "a fine-grained token with read access to the repository's secrets, in the environment variable that "
    "github.token_variable of the target file names",
)

S3 = Right(
    "s3",
    "read the off-site copies of the backups, and the configuration of their bucket",
    "the key of an account that has s3:ListBucket, s3:GetObject, s3:GetEncryptionConfiguration, "
    "s3:GetBucketPublicAccessBlock, s3:GetBucketPolicyStatus, s3:GetBucketAcl and s3:GetBucketVersioning there "
    "and nothing else, where offsite.credentials of the target file says",
)

ALL = (NETWORK, LOGIN, DOCKER, ROOT, CLONE)
"""The rights on the server."""
