"""The secrets of GitHub Actions, which deploys the service: their names, as GitHub's API lists them."""

from __future__ import annotations

import json

from runbook.model import rights
from runbook.model.outcome import Undetermined
from runbook.model.outside_questions import GitHubGet
from runbook.observation.snapshot import Snapshot, reading

OF_REPOSITORY = GitHubGet("/repos/{repository}/actions/secrets?per_page=100")
OF_ORGANIZATION = GitHubGet("/repos/{repository}/actions/organization-secrets?per_page=100")
"""Those that the organization shares with the repository; an account of a person has none."""

REFUSALS = (401, 403)
NOT_FOUND = 404


def actions_secrets(snapshot: Snapshot) -> frozenset[str] | None:
    """The names of all secrets that the repository's workflows see; None where the target names no repository."""
    if snapshot.target.github.repository is None:
        return None
    own, shared = snapshot.ask(OF_REPOSITORY, OF_ORGANIZATION)
    for answer in (own, shared):
        if answer.status in REFUSALS or (answer is own and answer.status == NOT_FOUND):
            raise Undetermined(f"GitHub's API answers {answer.status}", right=rights.GITHUB)
    with reading("the secrets of GitHub Actions"):
        shared_names = read_names(shared.status, shared.body) if shared.status != NOT_FOUND else frozenset()
        return read_names(own.status, own.body) | shared_names


def read_names(status: int, body: str) -> frozenset[str]:
    """The names in an answer of GitHub's API.

    Raises:
        ValueError: It is no list of secrets, or one of more pages than are read.
        LookupError, TypeError: It has another form.
    """
    if status != 200:
        raise ValueError(f"GitHub's API answers {status}")
    told = json.loads(body)
    names = frozenset(str(one["name"]) for one in told["secrets"])
    if len(names) != int(told["total_count"]):
        raise ValueError(f"GitHub lists {len(names)} of {told['total_count']} secrets")
    return names
