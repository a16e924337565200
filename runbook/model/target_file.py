"""A target file, read and checked; what is wrong in it is said in one sentence."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from runbook.model import renamed
from runbook.model.exits import UsageError
from runbook.model.target import Target

TARGETS = Path(__file__).resolve().parents[2] / "targets"


class TargetError(UsageError):
    """A target file that cannot be used: one sentence that names file, key and what is expected."""


def load(name_or_path: str, folder: Path = TARGETS) -> Target:
    """Read a target by its name (a file in ``targets/``) or by the path of its file.

    Raises:
        TargetError: The file is missing, is not TOML, or says something else than a target file may.
    """
    path = _find(name_or_path, folder)
    try:
        text = path.read_bytes().decode()
        table = tomllib.loads(text)
    except OSError as error:
        raise TargetError(f"{path}: cannot be read ({error.strerror}); expected a target file (TOML)") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TargetError(f"{path}: is not TOML ({error}); expected a target file") from None
    return validated(table, path)


def _find(name_or_path: str, folder: Path) -> Path:
    if "/" in name_or_path or name_or_path.endswith(".toml"):
        return Path(name_or_path).expanduser()
    return folder / f"{name_or_path}.toml"


def validated(table: dict[str, Any], path: Path) -> Target:
    """The target that a table describes; ``path`` is the file that it came from, for the message.

    Raises:
        TargetError: The table says something else than a target file may.
    """
    try:
        table, old_names = renamed.in_target(table)
        target = Target.model_validate(table)
    except renamed.SaidTwice as error:
        raise TargetError(f"{path}: {error}") from None
    except ValidationError as error:
        raise TargetError(f"{path}: {_one_sentence(error)}") from None
    for sentence in old_names:
        renamed.say(f"{path}: {sentence}")
    return target


def _one_sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    key = ".".join(_written(str(part)) for part in first["loc"]) or "the file"
    known = ", ".join(_keys_beside(first["loc"]))
    match first["type"]:
        case "missing":
            return f"key {key} is missing; expected {_expectation(first['loc'])}"
        case "extra_forbidden":
            return f"key {key} is unknown; expected one of {known}"
        case "value_error":
            return f"key {key} is {_shown(first['input'])}; expected {first['ctx']['error']}"
        case "model_type":
            return f"key {key} is {_shown(first['input'])}; expected a table [{key}]"
        case _:
            return f"key {key} is {_shown(first['input'])}; expected {_wanted(first['msg'])}"


def _written(key: str) -> str:
    """A part of a key as TOML writes it."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _shown(key)


def _wanted(message: str) -> str:
    return re.sub(r"^Input should be (a valid )?", "", message)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _tables(location: Iterable[int | str]) -> type[BaseModel]:
    model: type[BaseModel] = Target
    for part in location:
        field = model.model_fields.get(str(part))
        if field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            break
        model = field.annotation
    return model


def _keys_beside(location: tuple[int | str, ...]) -> list[str]:
    return sorted(_tables(location[:-1]).model_fields)


def _expectation(location: tuple[int | str, ...]) -> str:
    field = _tables(location[:-1]).model_fields.get(str(location[-1])) if location else None
    options = getattr(field.annotation, "__args__", None) if field else None
    if options and all(isinstance(option, str) for option in options):
        return "one of " + ", ".join(options)
    return "a value"
