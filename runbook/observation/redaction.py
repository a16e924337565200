"""Keeps secrets and personal data out of whatever is written: by value where a value is known, else by pattern."""

from __future__ import annotations

import base64
import json
import re
import threading
from urllib.parse import quote

MASK = "[redacted]"
SHORTEST_SECRET = 6
SHORTEST_WORD = 4
"""From here to `SHORTEST_SECRET` a known value that holds more than letters is masked where it is a word of its own:
``true`` and ``plain`` are what a variable may be set to, and stand in every report."""


_ADDRESS = re.compile(r"(?i)[A-Za-z0-9._%+-]{1,64}(?:@|%40)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\b")
_ADDRESS_BYTES = re.compile(rb"(?i)[a-z0-9._%+-]{2,64}@[a-z0-9-]{2,}(?:\.[a-z0-9-]+)*\.[a-z]{2,}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}")
"""Long enough for an address."""


_PLACES_OF_PINGS = (
    r"hc-ping\.com|[\w.-]*healthchecks\.io|hooks\.slack\.com|(?:\w+\.)?discord(?:app)?\.com/api/webhooks|"
    r"api\.telegram\.org|[\w.-]+\.webhook\.office\.com|chat\.googleapis\.com|hooks\.zapier\.com|maker\.ifttt\.com|"
    r"cronitor\.link|nosnch\.in|uptime\.betterstack\.com|events\.pagerduty\.com|ntfy\.sh|push\.statuscake\.com|"
    r"heartbeat\.uptimerobot\.com|api\.opsgenie\.com"
)
"""Services whose addresses are their only secret: who knows one may write there."""

_PATTERNS = (
    re.compile(
        r"-----BEGIN [A-Z ]{0,32}PRIVATE KEY( BLOCK)?-----.*?(-----END [A-Z ]{0,32}PRIVATE KEY( BLOCK)?-----|\Z)",
        re.DOTALL,
    ),
    re.compile(rf"(?i)://(?:{_PLACES_OF_PINGS})/([^\s\"'<>]+)"),
    re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"),
    re.compile(r"://[^\s\"'?/]{1,255}/[^\s\"'?]{0,512}?([0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})"),
    re.compile(
        r"(?i)[?&][\w.-]{0,64}(?:key|token|secret|sig|signature|auth|code|pass|passwd|password|pwd|credential|session)"
        r"=([^&\s\"'#]+)"
    ),
    re.compile(r"(?i)(?<=bearer )[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(
        r"(?i)authorization[\"']?\s{0,8}[=:]\s{0,8}[\"']?(?>(?:basic|bearer|digest|token|apikey)\s{1,8})?([^\s\"',;]+)"
    ),
    re.compile(
        r"(?i)(?<![A-Za-z_])(?:[A-Za-z_]*(?:password|passwd|secret|token|master_key|_key|key_base)[\"']?\s*[=:]\s*[\"']?)"
        r"(?!\[redacted\]|\[\{)([^\s\"',;}]{6,})"
    ),
    re.compile(
        r"(?<![A-Za-z0-9_])(?:[A-Z0-9_]*(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|WEBHOOK|CREDENTIALS?|_KEY|_PASS|_PWD|_PIN|"
        r"_AUTH|_SALT|_PEPPER|_DSN)|PIN|SALT|PEPPER|PASS|PWD)=[\"']?(?![\"'\[$/\\])([^\s\"',;}]+)"
    ),
    re.compile(
        r"(?<![\w-])(?:-u|--user|--proxy-user)[ =]{0,8}[\"']?(?!\d{1,6}:\d{1,6}(?!\S))([^\s:\"'\[]{1,64}:[^\s\"']+)"
    ),
    re.compile(
        r"(?<![\w-])--?(?:password|passwd|pass|passphrase|token|secret|api-key|auth-token|requirepass)\s{1,8}[\"']?"
        r"(?!-)([^\s\"']+)"
    ),
    re.compile(r"\b(?:mysql\w{0,16}|mariadb[\w-]{0,16}|sshpass)\b[^\n|;&]{0,256}?\s-p[\"']?(?![\"'])([^\s\"']+)"),
    re.compile(r"\b(?:redis-cli\b[^\n|;&]{0,256}?\s-a|sshpass\s{1,8}-p)\s{1,8}[\"']?([^\s\"']+)"),
    re.compile(r"(?i)\bset\s{1,8}\$\w{0,32}(?:token|key|secret|pass|auth)\w{0,32}\s{1,8}[\"']?([^\s\"';]+)"),
    re.compile(r"\$http_\w{1,64}\s{0,8}(?:!?=|!?~\*?)\s{0,8}[\"']([^\"'\n]+)"),
    re.compile(r"\$(?:apr1|2[aby]|[156y]|argon2id?|scrypt)\$[./A-Za-z0-9$,=+]{8,}"),
    re.compile(r"(?<!\d)\d{6,12}:[A-Za-z0-9_-]{30,}"),
    re.compile(
        r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|xox[abeprs]-[\w-]{10,}|glpat-[\w-]{16,}|"
        r"(?:sk|rk)_(?:live|test)_\w{10,}|AKIA[0-9A-Z]{16}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+)"
    ),
    _ADDRESS,
)
"""The second line: the first is that a question brings nothing here that is not read.

Each begins at the beginning of a run of characters, or goes a bounded way: the time is in proportion to the text. Where
one has a group, that is what is masked."""


class Redactor:
    """Knows what must not be written. Safe to use from several threads."""

    def __init__(self) -> None:
        self._known: frozenset[str] = frozenset()
        self._by_value: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def learn(self, value: str) -> None:
        """Mask this value from now on, as it is and as JSON, URL and base64 write it.

        One that is a piece of the mask itself hides nothing, and would be masked again and again.
        """
        bare = value.strip()
        short = len(bare) < SHORTEST_SECRET
        if bare in self._known or bare in MASK or (short and (len(bare) < SHORTEST_WORD or bare.isalpha())):
            return
        with self._lock:
            self._known = self._known | {bare}
            forms = {form for known in self._known for form in _forms(known)}
            longest_first = sorted(forms, key=len, reverse=True)
            self._by_value = re.compile("|".join(map(_anywhere_or_as_a_word, longest_first)))

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


def _anywhere_or_as_a_word(form: str) -> str:
    written = re.escape(form)
    return written if len(form) >= SHORTEST_SECRET else rf"(?<![A-Za-z0-9_.-]){written}(?![A-Za-z0-9_-])"


def _forms(value: str) -> set[str]:
    """The value as other writings show it. Base64 of it inside a longer text has three forms, by its offset."""
    if len(value) < SHORTEST_SECRET:
        return {value}
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
