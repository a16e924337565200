"""nginx's configuration as its files have it: the server that ends TLS for a domain, and whom it passes requests to.

nginx itself is not asked: its own way of telling (``nginx -T``) opens log files for writing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from runbook.model.question import lines_of

FOLDER = "/etc/nginx"
TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<sign>[{};])|"(?P<double>(?:\\.|[^"\\])*)"|'(?P<single>(?:\\.|[^'\\])*)'"""
    r"""|(?P<bare>(?:\$\{[^}]*\}|\\.|[^\s;{}"'#])(?:\$\{[^}]*\}|\\.|[^\s;{])*)""",
    re.DOTALL,
)
ADDRESS = re.compile(r"(?:(?P<host>\[[0-9a-fA-F:]*\]|[^:]+):)?(?P<port>\d+)")
URL = re.compile(r"(?P<scheme>https?)://(?P<host>\[[0-9a-fA-F:]+\]|[^/:]+)(?::(?P<port>\d+))?(?:/.*)?")
DEEPEST = 20
HTTPS_PORT = 443


@dataclass(frozen=True)
class Directive:
    """One directive: its words, and what stands in its braces."""

    words: tuple[str, ...]
    inside: tuple[Directive, ...]

    @property
    def name(self) -> str:
        return self.words[0]

    def all(self, name: str) -> Iterator[Directive]:
        """The directives of this name in its braces, not deeper."""
        return (one for one in self.inside if one.name == name)


@dataclass(frozen=True)
class Site:
    """The server that ends TLS for a domain.

    Attributes:
        port: Where it listens.
        pairs: Each certificate's file and its key's; more than one where it has keys of several kinds.
        passes_to: Whom the asked path's requests go to, each as ``host:port``; none where it answers by itself.
    """

    port: int
    pairs: tuple[tuple[str, str], ...]
    passes_to: tuple[str, ...]


def read_site(text: str, domain: str, path: str) -> Site | None:
    """The server that ends TLS for this domain; None where there is none.

    Args:
        text: Each line of each file, with the file's path before it.
        domain: The name that is asked for.
        path: The path whose requests are followed.

    Raises:
        LookupError, ValueError: It cannot be read, or what decides is only known while nginx runs.
    """
    files = read_files(text)
    if f"{FOLDER}/nginx.conf" not in files:
        return None
    whole = Directive(("main",), tuple(_parsed(f"{FOLDER}/nginx.conf", files, 0)))
    https = [
        (http, server, port) for http in whole.all("http") for server in http.all("server") for port in _tls(server)
    ]
    usual = [one for one in https if one[2] == HTTPS_PORT] or https
    chosen = _chosen([server for _, server, _ in usual], domain)
    if chosen is None:
        return None
    http, server, port = next(one for one in usual if one[1] is chosen)
    certificates, keys = (
        [_absolute(one.words[1]) for one in list(server.all(name)) or http.all(name)]
        for name in ("ssl_certificate", "ssl_certificate_key")
    )
    return Site(port, tuple(zip(certificates, keys, strict=True)), _passes_to(http, server, path))


def read_files(text: str) -> dict[str, str]:
    """The text of each file, by its path."""
    files: dict[str, list[str]] = {}
    for line in lines_of(text):
        path, _, rest = line.partition(":")
        if path.startswith(f"{FOLDER}/"):
            files.setdefault(path, []).append(rest)
    return {path: "\n".join(lines) for path, lines in files.items()}


def parse(text: str) -> tuple[Directive, ...]:
    """The directives of one file.

    Raises:
        ValueError: It is no configuration.
    """
    open_blocks: list[tuple[tuple[str, ...], list[Directive]]] = [((), [])]
    words: list[str] = []
    place = 0
    while place < len(text):
        found = TOKEN.match(text, place)
        if found is None:
            raise ValueError(f"a quote that does not end, in {text[place : place + 40]!r}")
        place = found.end()
        sign = found["sign"]
        if sign is None:
            words += [word for word in (found["double"], found["single"], found["bare"]) if word is not None]
        elif sign == "{":
            if not words or len(open_blocks) > DEEPEST:
                raise ValueError("braces without a name, or too deep")
            open_blocks.append((tuple(words), []))
            words = []
        elif sign == ";":
            if words:
                open_blocks[-1][1].append(Directive(tuple(words), ()))
            words = []
        else:
            if words or len(open_blocks) == 1:
                raise ValueError("a brace that closes nothing, or a directive that does not end")
            name, inside = open_blocks.pop()
            open_blocks[-1][1].append(Directive(name, tuple(inside)))
    if words or len(open_blocks) > 1:
        raise ValueError("it ends in the middle of a directive")
    return tuple(open_blocks[0][1])


def _parsed(path: str, files: Mapping[str, str], depth: int, around: str = "main") -> Iterator[Directive]:
    yield from (joined for one in parse(files[path]) for joined in _joined(one, files, depth, around))


def _joined(directive: Directive, files: Mapping[str, str], depth: int, around: str) -> Iterator[Directive]:
    """The directive with what it includes; ``around`` is the directive in whose braces it stands.

    Files outside nginx's folder are not read. Where servers stand one of them may be meant, elsewhere none can be.
    """
    if depth > DEEPEST:
        raise ValueError("files that include each other")
    if directive.name == "include" and len(directive.words) == 2:
        pattern = _absolute(directive.words[1])
        if around == "http" and not pattern.startswith(f"{FOLDER}/"):
            raise ValueError(f"it includes {pattern}, which is not read and may hold a server")
        for path in sorted(files):
            if PurePosixPath(path).match(pattern):
                yield from _parsed(path, files, depth + 1, around)
        return
    inside = tuple(joined for one in directive.inside for joined in _joined(one, files, depth, directive.name))
    yield Directive(directive.words, inside)


def _absolute(path: str) -> str:
    if "$" in path:
        raise ValueError(f"{path} is known only while nginx runs")
    return path if path.startswith("/") else f"{FOLDER}/{path}"


def _tls(server: Directive) -> Iterator[int]:
    """The ports on which a server ends TLS."""
    always = any(one.words[1:] == ("on",) for one in server.all("ssl"))
    for listen in server.all("listen"):
        address = ADDRESS.fullmatch(listen.words[1]) if len(listen.words) > 1 else None
        if address and (always or "ssl" in listen.words):
            yield int(address["port"])


def _chosen(servers: Sequence[Directive], domain: str) -> Directive | None:
    """Whom nginx chooses for a name: the whole name, a wildcard, an expression, else the default."""
    named = [(name.lower(), one) for one in servers for names in one.all("server_name") for name in names.words[1:]]
    _, _, parent = domain.lower().partition(".")
    for wanted in (domain.lower(), f".{domain.lower()}", f"*.{parent}", f".{parent}"):
        for name, one in named:
            if name == wanted:
                return one
    if any(name.startswith("~") or name.endswith(".*") for name, _ in named):
        raise ValueError(f"no server is named {domain}, and one has an expression for its name")
    default = (one for one in servers if any("default_server" in listen.words for listen in one.all("listen")))
    return next(default, servers[0] if servers else None)


def _passes_to(http: Directive, server: Directive, path: str) -> tuple[str, ...]:
    where = _location(server, path) or server
    passing = next(where.all("proxy_pass"), None)
    if passing is None:
        return ()
    url = URL.fullmatch(passing.words[1])
    if url is None:
        raise ValueError(f"it passes to {passing.words[1]}, which is known only while nginx runs")
    for upstream in http.all("upstream"):
        if upstream.words[1:] == (url["host"],):
            return tuple(one.words[1] for one in upstream.all("server"))
    return (f"{url['host']}:{url['port'] or {'http': 80, 'https': 443}[url['scheme']]}",)


def _location(server: Directive, path: str) -> Directive | None:
    """The location of a path: the same path, else the first expression, else the longest beginning."""
    exact = [one for one in server.all("location") if one.words[1:] == ("=", path)]
    begins = [
        one for one in server.all("location") if one.words[1] not in ("=", "~", "~*") and path.startswith(one.words[-1])
    ]
    longest = max(begins, key=lambda one: len(one.words[-1]), default=None)
    if not exact and (longest is None or longest.words[1] != "^~"):
        for one in server.all("location"):
            if one.words[1] in ("~", "~*") and _matches(one.words[2], path, whole_case=one.words[1] == "~"):
                return one
    return exact[0] if exact else longest


def _matches(expression: str, path: str, *, whole_case: bool) -> bool:
    try:
        return bool(re.search(expression, path, 0 if whole_case else re.IGNORECASE))
    except re.error as error:
        raise ValueError(f"the expression {expression} is not understood here: {error}") from None
