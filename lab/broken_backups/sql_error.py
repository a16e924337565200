"""A statement fails that psql, left to itself, passes over."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = 'ERROR:  42P01: relation "public.nowhere" does not exist'

EDIT = r"""
sed '/^-- Data for Name: appointments;/i ALTER TABLE public.nowhere ADD COLUMN note text;'
"""


def make(server: Server) -> str:
    return bad_copies.edited(server, "sql-error", EDIT)
