"""nginx's configuration as its files have it: the server that ends TLS for a domain, and whom it passes requests to.

nginx itself is not asked: its own way of telling (``nginx -T``) opens log files for writing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import PurePosixPath

from checks.health import HEALTH
from runbook import rights
from runbook.question import Command, lines_of

FOLDER = "/etc/nginx"
CONFIGURATION = Command(
    cleandoc(
        r"""[ -d /etc/nginx ] || exit 0
    IFS='
    '
    tell() {{ awk -v file="$1" '
      function word(text, quote) {{
        if (count == 1 && name == "proxy_pass") {{
          match(text, /^[^:\/?]*(:\/\/[^\/?]*)?/)
          if (RLENGTH < length(text)) text = substr(text, 1, RLENGTH) "/"
        }}
        if (count == 1 && name ~ /^ssl_certificate/ && text ~ /^data:/) text = "$data"
        if (count == 1 && name == "include" && !dropped) {{
          whole = text ~ /^\// ? text : "/etc/nginx/" text
          if (index(whole, "/etc/nginx/") == 1 && whole !~ /[$\n]/) print "include " whole
        }}
        if (!count) name = text
        gsub(/\n/, " ", text)
        words[count++] = quote text quote
      }}
      function begins(text) {{ return index(asked, text) == 1 }}
      function wanted(  last) {{
        last = words[count - 1]
        gsub(/^["\047]|["\047]$/, "", last)
        if (name != "location") return name ~ /^(http|server|upstream)$/
        return words[1] ~ /^~\*?$/ || (words[1] == "=" ? last == asked : begins(last))
      }}
      function said(most, sign,   line, i) {{
        for (i = 0; i < count && i < most; i++) line = line words[i] " "
        print file ":" line sign
      }}
      function broken() {{ print file ":{{"; failed = 1; exit }}
      BEGIN {{
        asked = "HEALTH_PATH"; print file ":"
        or_escaped = "|[\\\\](.|\n)"; variable = "[$][{{][^}}]*[}}]"; blank = " \t\r\n\f\v"
        double = "^\"([^\"\\\\]" or_escaped ")*\""
        single = "^\047([^\047\\\\]" or_escaped ")*\047"
        bare = "^(" variable or_escaped "|[^" blank ";{{}}\"\047#])(" variable or_escaped "|[^" blank ";{{])*"
      }}
      {{ rest = rest $0 "\n" }}
      {{
        while (rest != "") {{
          first = substr(rest, 1, 1)
          if (match(rest, /^[ \t\r\n\f\v]+/) || match(rest, /^#[^\n]*/)) {{
          }} else if (first == "{{") {{
            if (!count || name == "location" && count < 2) broken()
            if (!dropped && wanted()) {{ said(3, "{{"); depth++ }} else dropped++
            count = 0; RLENGTH = 1
          }} else if (first == "}}") {{
            if (count || !(depth + dropped)) broken()
            if (dropped) dropped--
            else {{ print file ":}}"; depth-- }}
            RLENGTH = 1
          }} else if (first == ";") {{
            if (!dropped && name ~ /^(server_name|listen|ssl|ssl_certificate|ssl_certificate_key)$/) said(99, ";")
            if (!dropped && name ~ /^(server|proxy_pass|include)$/) said(2, ";")
            count = 0; RLENGTH = 1
          }} else if (first == "\"" || first == "\047") {{
            if (!match(rest, first == "\"" ? double : single)) next
            bytes = RLENGTH; word(substr(rest, 2, bytes - 2), first); RLENGTH = bytes
          }} else {{
            if (!match(rest, bare)) broken()
            bytes = RLENGTH; word(substr(rest, 1, bytes), ""); RLENGTH = bytes
          }}
          if (!count) name = ""
          rest = substr(rest, RLENGTH + 1)
        }}
      }}
      END {{ if (!failed && (rest != "" || count || depth + dropped)) print file ":{{" }}' < "$1"; }}
    found=/etc/nginx/nginx.conf; seen=
    while [ -n "$found" ]; do
      named=$found; found=
      for file in $named; do
        folder=${{file%/*}}
        [ ! -d "$folder" ] || {{ [ -r "$folder" ] && [ -x "$folder" ]; }} || {{
          echo "$folder: Permission denied" >&2
          exit 1
        }}
        [ -f "$file" ] || continue
        printf '%s\n' "$seen" | grep -qxF -e "$file" && continue
        seen="$seen$IFS$file"
        told=$(tell "$file") || exit
        printf '%s\n' "$told" | grep -v '^include '
        included=$(printf '%s\n' "$told" | sed -n 's/^include //p')
        found="$found$IFS$included"
      done
    done
    :"""
    ).replace("HEALTH_PATH", HEALTH.path),
    needs=rights.ROOT,
)
"""Each file that nginx reads of its folder, with its path before each line, and of it only the directives that are read
here: by whose name, on which port and by which certificate a server ends TLS, and whom the health check's requests go
to. Whatever else stands there may be secret, and stays on the server."""

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
