"""Text that others wrote: whatever a server answered is shown as it is, and can steer nothing."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

_WHITE = dict.fromkeys(map(ord, "\n\t\u00a0\u3000"))
"""White space that is seen for what it is, left out to ask once whether all the rest can be seen."""


def visible(text: str) -> str:
    """The text with every character that would not be seen made visible.

    Control characters, bidi overrides, zero-width and unassigned characters: each could hide or reorder what stands
    around it, and XML forbids many of them.

    >>> visible("a\\x1b[31m")
    'a⟨U+001B⟩[31m'
    >>> visible("txt\\u202egpj")
    'txt⟨U+202E⟩gpj'
    """
    if text.isprintable() or text.translate(_WHITE).isprintable():
        return text
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character in "\n\t" or character.isprintable() or unicodedata.category(character) == "Zs":
        return character
    return f"⟨U+{ord(character):04X}⟩"


@dataclass(frozen=True)
class Excerpt:
    """The beginning and the end of a text, and how many characters between them are left out."""

    head: str
    left_out: int = 0
    tail: str = ""


def excerpt(text: str, longest: int) -> Excerpt:
    """The text whole, or three quarters of ``longest`` characters from its beginning and one quarter from its end."""
    if len(text) <= longest:
        return Excerpt(text)
    tail = longest // 4
    head = longest - tail
    return Excerpt(text[:head], len(text) - longest, text[-tail:])
