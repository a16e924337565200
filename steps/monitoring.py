"""Section 6: what is monitored holds."""

from __future__ import annotations

from pytest_bdd import parsers, then

from checks.disk import FileSystem
from runbook.outcome import require


@then(parsers.parse("every file system of the service is less than {limit:d} % full"))
def every_file_system_has_room(file_systems: tuple[FileSystem, ...], limit: int) -> None:
    full = [f"{one.mount} {one.used_percent:.0f} %" for one in file_systems if one.used_percent >= limit]
    require(file_systems and not full, expected=f"less than {limit} % everywhere", seen=full, go_to="10")


@then(parsers.parse("every file system of the service has used less than {limit:d} % of its inodes"))
def every_file_system_has_inodes(file_systems: tuple[FileSystem, ...], limit: int) -> None:
    full = [f"{one.mount} {one.used_inodes_percent:.0f} %" for one in file_systems if one.used_inodes_percent >= limit]
    require(file_systems and not full, expected=f"less than {limit} % of inodes everywhere", seen=full, go_to="10")
