"""The dump gives a table to a role that is in no dump."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = 'role "reporting" does not exist'

EDIT = r"""
sed '/^-- Data for Name: appointments;/i ALTER TABLE public.clinics OWNER TO reporting;'
"""


def make(server: Server) -> str:
    return bad_copies.edited(server, "role-missing", EDIT)
