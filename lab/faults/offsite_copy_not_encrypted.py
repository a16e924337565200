"""An off-site copy is not encrypted: it is older than the bucket's encryption."""

from __future__ import annotations

from lab import offsite
from lab.server import Server

section = "5.5"
fails = {"the-off-site-copies-are-encrypted-at-rest"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    bucket = offsite.administrator(server)
    key = offsite.oldest_copy(server)
    octets = offsite.bytes_of(bucket, key)
    bucket.delete_bucket_encryption(Bucket=offsite.BUCKET)
    offsite.put(bucket, key, octets, ChecksumAlgorithm="SHA256")
    offsite.set_right(bucket)


def heal(server: Server) -> None:
    offsite.heal(server)
