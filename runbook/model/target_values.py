"""The values of a target file, each with what it must look like: what is given to a shell there can be nothing else."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field


def _expand(path: Path) -> Path:
    return path.expanduser()


def _absolute(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError("an absolute path on the server")
    return path


def _no_control_characters(text: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("text without control characters")
    return text


def _name_of_a_thing(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", text):
        raise ValueError("a name of letters, digits, '.', '_' and '-'")
    return text


def _name_or_prefix(text: str) -> str:
    try:
        _name_of_a_thing(text.removesuffix("*"))
    except ValueError:
        raise ValueError("a name of letters, digits, '.', '_' and '-', or the beginning of one with a '*'") from None
    return text


def _url_path(text: str) -> str:
    if not re.fullmatch(r"/[!-~]*", text):
        raise ValueError("the path of a URL, from its '/' on")
    return text


def _host(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*", text):
        return text
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        raise ValueError("a host name or an IP address") from None


def _column(text: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*", text):
        raise ValueError("table.column, in small letters, digits and '_'")
    return text


def _variable(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        raise ValueError("the name of an environment variable")
    return text


def _ip_address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("an IP address") from None


def _repository(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]+/[A-Za-z0-9_.-]+", text):
        raise ValueError("owner/name of a repository on GitHub")
    return text


def _web_address(text: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d+)?(/[!-~]*)?", text):
        raise ValueError("an address that begins with https:// or http://")
    return text.rstrip("/")


def _api(text: str) -> str:
    address = _web_address(text)
    if not re.match(r"https://|http://(127[.][0-9.]+|localhost)(:|/|$)", address):
        raise ValueError("an address that begins with https://: a token is sent there")
    return address


def _bucket(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", text):
        raise ValueError("the name of an S3 bucket: 3 to 63 small letters, digits, '.' and '-'")
    return text


def _prefix(text: str) -> str:
    if not re.fullmatch(r"([!-.0-~][!-~]*/)?", text):
        raise ValueError("what the names of objects begin with, such as 'backups/psyfit/'")
    return text


def _region(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9-]+", text):
        raise ValueError("a region, such as 'ap-northeast-1'")
    return text


LocalPath = Annotated[Path, AfterValidator(_expand)]
ServerPath = Annotated[str, AfterValidator(_no_control_characters), AfterValidator(_absolute)]
Name = Annotated[str, AfterValidator(_name_of_a_thing)]
NameOrPrefix = Annotated[str, AfterValidator(_name_or_prefix)]
UrlPath = Annotated[str, AfterValidator(_url_path)]
Host = Annotated[str, AfterValidator(_host)]
Repository = Annotated[str, AfterValidator(_repository)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
ApiAddress = Annotated[str, AfterValidator(_api)]
Bucket = Annotated[str, AfterValidator(_bucket)]
Prefix = Annotated[str, AfterValidator(_prefix)]
Region = Annotated[str, AfterValidator(_region)]
Variable = Annotated[str, AfterValidator(_variable)]
Column = Annotated[str, AfterValidator(_column)]
Address = Annotated[str, AfterValidator(_ip_address)]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[int, Field(ge=1)]
Hours = Annotated[int, Field(ge=1)]
Days = Annotated[int, Field(ge=1)]
