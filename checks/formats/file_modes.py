"""A file as stat tells of it: whose it is, and who may do what with it."""

from __future__ import annotations

from dataclasses import dataclass

from runbook.model.question import lines_of


@dataclass(frozen=True)
class FileMode:
    """A file with its owner. ``mode`` are its permission bits."""

    path: str
    mode: int
    owner: str

    def __str__(self) -> str:
        return f"{self.path} has mode {self.mode:04o}, owner {self.owner}"

    def executable_by(self, account: str) -> bool:
        """Whether this account may execute it, its groups left aside."""
        if account == "root":
            return bool(self.mode & 0o111)
        return bool(self.mode & (0o100 if account == self.owner else 0o001))


def read_file_modes(text: str) -> list[FileMode]:
    """Read what stat tells of files, as ``MODE OWNER PATH`` a line, the mode in octal.

    Raises:
        ValueError: A line is of another form.
    """
    rows = [line.split(" ", 2) for line in lines_of(text)]
    return [FileMode(path, int(mode, 8), owner) for mode, owner, path in rows]
