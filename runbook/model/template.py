"""Templates over a target's facts: for a shell, where each fact is one quoted word, and for a path."""

from __future__ import annotations

import re
import shlex
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbook.model.target import Target

Facts = Mapping[str, str | tuple[str, ...]]


def template_values(target: Target) -> Facts:
    """The words that a command's template may use: where the target's things are and what they are called."""
    paths, containers = target.paths, target.containers
    page = target.edge.database_page
    return {
        **({"database_page": page} if page else {}),
        **({"offsite_bucket": target.offsite.bucket} if target.offsite.bucket else {}),
        "offsite_prefix": target.offsite.prefix,
        **({"repository": target.github.repository} if target.github.repository else {}),
        "domain": target.domain,
        "app": paths.app,
        "backups": paths.backups,
        "monitor_log": paths.monitor_log,
        "backup_log": paths.backup_log,
        "cleanup_log": paths.cleanup_log,
        "docker_root": paths.docker,
        "database": target.backups.database,
        "freshness_columns": target.backups.freshness_columns,
        "login_policy_variables": target.login_policy.variables,
        "cron_account": target.cron.account,
        "db": containers.db,
        "redis": containers.redis,
        "proxy": containers.proxy,
        "proxy_service": containers.proxy_service,
        "web_port": str(containers.web_port),
    }


def render_shell(template: str, values: Facts) -> str:
    """The template with each value quoted for the shell; one that is not there stands as ``<name>``."""
    return _ShellFormatter().vformat(template, (), values)


class _ShellFormatter(string.Formatter):
    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return kwargs.get(str(key), _Unknown(str(key)))

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, _Unknown):
            return f"<{value.name}>"
        if isinstance(value, tuple):
            return " ".join(shlex.quote(one) for one in value)
        return shlex.quote(str(value))


@dataclass(frozen=True)
class _Unknown:
    name: str


def in_path(template: str, facts: Facts) -> str:
    """The path with facts in it; one that is not there stands as ``<name>``."""
    return re.sub(r"\{(\w+)\}", lambda word: str(facts.get(word[1], f"<{word[1]}>")), template)
