"""A policy of before the block lets everybody read what is in the off-site bucket."""

from __future__ import annotations

import json

from lab import offsite
from lab.server import Server

section = "5.5"
fails = {"the-off-site-bucket-is-not-public"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{offsite.ARN}/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    offsite.administrator(server).put_bucket_policy(Bucket=offsite.BUCKET, Policy=policy)


def heal(server: Server) -> None:
    offsite.heal(server)
