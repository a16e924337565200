"""Keeps secrets and personal data out of whatever is written: by value where a value is known, else by pattern."""

from __future__ import annotations

import base64
import json
import re
import threading
from urllib.parse import quote

MASK = "[redacted]"
SHORTEST_SECRET = 6

_ADDRESS = re.compile(r"(?i)[A-Za-z0-9._%+-]{1,64}(?:@|%40)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\b")
_ADDRESS_BYTES = re.compile(rb"(?i)[a-z0-9._%+-]{2,64}@[a-z0-9-]{2,}(?:\.[a-z0-9-]+)*\.[a-z]{2,}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}")
"""Long enough for an address."""


_PATTERNS = (
    re.compile(
        r"-----BEGIN [A-Z ]{0,32}PRIVATE KEY( BLOCK)?-----.*?(-----END [A-Z ]{0,32}PRIVATE KEY( BLOCK)?-----|\Z)",
        re.DOTALL,
    ),
    re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"),
    re.compile(r"(?i)(?<=bearer )[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(
        r"(?i)(?<![A-Za-z_])(?:[A-Za-z_]*(?:password|passwd|secret|token|master_key|_key|key_base)[\"']?\s*[=:]\s*[\"']?)"
        r"(?!\[redacted\]|\[\{)([^\s\"',;}]{6,})"
    ),
    _ADDRESS,
)
"""Each begins at the beginning of a run of characters, or goes a bounded way: the time is in proportion to the text."""


class Redactor:
    """Knows what must not be written. Safe to use from several threads."""

    def __init__(self) -> None:
        self._known: frozenset[str] = frozenset()
        self._by_value: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def learn(self, value: str) -> None:
        """Mask this value from now on, as it is and as JSON, URL and base64 write it."""
        bare = value.strip()
        if len(bare) < SHORTEST_SECRET or bare in self._known:
            return
        with self._lock:
            self._known = self._known | {bare}
            forms = {form for known in self._known for form in _forms(known)}
            longest_first = sorted(forms, key=len, reverse=True)
            self._by_value = re.compile("|".join(re.escape(form) for form in longest_first))

    def redact(self, text: str) -> str:
        """The text with every known value and every pattern masked, also what shows only beside another mask."""
        while (masked := self._once(text)) != text:
            text = masked
        return text

    def _once(self, text: str) -> str:
        if self._by_value is not None:
            text = self._by_value.sub(MASK, text)
        for pattern in _PATTERNS:
            if pattern is not _ADDRESS or "@" in text or "%40" in text:  # without it looks at every place for its sign
                text = pattern.sub(_mask, text)
        return _BASE64.sub(_mask_base64, text)


def _mask(found: re.Match[str]) -> str:
    if found.re.groups == 1 and found.group(1) is not None:
        return found.group(0)[: found.start(1) - found.start(0)] + MASK
    return MASK


def _mask_base64(found: re.Match[str]) -> str:
    """A run of characters is masked where it is base64 of something with an address in it, wherever that begins."""
    text = found.group().replace("-", "+").replace("_", "/")
    if text.lower() == text:  # a path, most of the time; base64 of a word has capitals among so many letters
        return found.group()
    for offset in range(4):
        part = text[offset:]
        if _ADDRESS_BYTES.search(base64.b64decode(part[: len(part) - len(part) % 4] + _rest(part))):
            return MASK
    return found.group()


def _rest(text: str) -> str:
    """The last characters, completed to a group of four; one alone says nothing."""
    rest = text[len(text) - len(text) % 4 :]
    return rest.ljust(4, "=") if len(rest) > 1 else ""


def _forms(value: str) -> set[str]:
    """The value as other writings show it. Base64 of it inside a longer text has three forms, by its offset."""
    encoded = {_inner_base64(value.encode(), offset) for offset in range(3)}
    forms = {
        value,
        json.dumps(value)[1:-1],
        quote(value, safe=""),
        base64.b64encode(value.encode()).decode().rstrip("="),
    }
    return {form for form in forms | encoded if len(form) >= SHORTEST_SECRET}


def _inner_base64(value: bytes, offset: int) -> str:
    """What base64 makes of the value at this offset, without the characters that its neighbours share."""
    text = base64.b64encode(b"\0" * offset + value).decode().rstrip("=")
    start = (0, 2, 3)[offset]
    end = len(text) if (offset + len(value)) % 3 == 0 else len(text) - 1
    return text[start:end]
