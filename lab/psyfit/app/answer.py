"""What the service answers, apart from how it is sent."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; its version and length are added when it is sent."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def json_answer(status: int, content: Any, *headers: tuple[str, str]) -> Answer:
    """An answer in JSON."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, "application/json; charset=utf-8", body, headers)


def success(status: int, data: Any, *headers: tuple[str, str]) -> Answer:
    """What was asked for."""
    return json_answer(status, {"status": "success", "data": data}, *headers)


def failure(status: int, message: str, *headers: tuple[str, str]) -> Answer:
    """Why there is nothing to give."""
    return json_answer(status, {"status": "error", "message": message}, *headers)


def html(status: int, page: str) -> Answer:
    """A page."""
    return Answer(status, "text/html; charset=utf-8", page.encode())
