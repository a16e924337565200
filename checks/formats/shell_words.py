"""A command line's words as the shell splits them, and where its output goes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath


def words_of(command: str) -> list[str]:
    """The words of a shell command, those of a command within it (``bash -c '…'``) included.

    After ``cd FOLDER`` a relative one with a slash is taken from there.
    """
    words = _split(command)
    inner = {at: words_of(words[at]) for at in _commands_within(words)}
    return [word for at, one in enumerate(words) for word in inner.get(at, [one])]


def _split(command: str) -> list[str]:
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        return command.split()
    return list(_from_folder(words))


def _commands_within(words: Sequence[str]) -> list[int]:
    """The places of the words that are commands themselves: those that a shell's, su's or flock's ``-c`` is given."""
    return [at for at in range(1, len(words)) if re.fullmatch(r"-[a-z]*c", words[at - 1]) and " " in words[at]]


def _from_folder(words: Iterable[str]) -> Iterator[str]:
    folder, before = "", ""
    for word in words:
        if before == "cd":
            folder = word
        relative = folder and "/" in word and not word.startswith("/")
        yield str(PurePosixPath(folder) / word) if relative else word
        before = word


def appends_all_to(command: str, log: str) -> bool:
    """Whether what the command prints, errors as well, is appended to this file: by itself or by one within it."""
    words = _split(command)
    if any(appends_all_to(words[at], log) for at in _commands_within(words)):
        return True
    places = [place for place in range(len(words) - 1) if words[place : place + 2] == [">>", log]]
    if not places:
        return False
    after = words[places[-1] + 2 :]
    errors_too = any(after[at : at + 3] == ["2", ">&", "1"] for at in range(len(after)))
    errors_apart = any(words[at : at + 3] == ["2", ">>", log] for at in range(len(words)))
    return errors_too or (errors_apart and len(places) > 1)
