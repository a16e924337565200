"""A foreign key comes back without being held against the rows that are there."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = "constraint assessments.assessments_appointment_id_fkey is"

EDIT = r"""
sed '/ADD CONSTRAINT assessments_appointment_id_fkey FOREIGN KEY/s/;$/ NOT VALID;/'
"""


def make(server: Server) -> str:
    return bad_copies.edited(server, "constraint-not-validated", EDIT)
