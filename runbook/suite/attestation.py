"""What only a person can do, attested by that person in a file that the operator keeps: by whom, when, with what proof.

An attestation ends with the day that it names (UTC); then nobody has attested anything. One table for each scenario::

    [the-emergency-contact-answers]
    by = "Y. Tanaka"
    on = 2026-11-02
    result = "passed"          # or "failed"
    proof = "called, answered after 20 s; noted as OPS-112"
    expires = 2027-02-01
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError, model_validator

from runbook.model import renamed
from runbook.model.target_file import TargetError

LONGEST = timedelta(days=366)
Words = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class Attestation(BaseModel):
    """What one person says of one scenario.

    Attributes:
        by: Who did it.
        on: The day on which it was done.
        result: What came of it.
        proof: Where it can be seen, or what was seen.
        expires: The last day on which it counts, in UTC; at most a year after ``on``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    by: Words
    on: date
    result: Literal["passed", "failed"]
    proof: Words
    expires: date

    @model_validator(mode="after")
    def _ends_in_time(self) -> Self:
        if not self.on <= self.expires <= self.on + LONGEST:
            raise ValueError(f"an end between the day itself and {LONGEST.days} days after it")
        return self

    def has_ended(self, now: datetime) -> bool:
        """Whether its last day is over, or its own day has not come, anywhere on earth but in UTC."""
        today = now.astimezone(UTC).date()
        return today > self.expires or today < self.on - timedelta(days=1)


TABLES = TypeAdapter(dict[str, Attestation])


def read(path: Path, known: Collection[str]) -> Mapping[str, Attestation]:
    """Read a file of attestations.

    Args:
        known: The ids of the scenarios that a person may attest.

    Raises:
        TargetError: It cannot be read, or says something else than such a file may.
    """
    try:
        found = TABLES.validate_python(tomllib.loads(path.read_bytes().decode()))
    except OSError as error:
        raise TargetError(f"{path}: cannot be read ({error.strerror}); expected an attestations file") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TargetError(f"{path}: is not TOML ({error}); expected an attestations file") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise TargetError(f"{path}: {where} is wrong: {first['msg']}") from None
    attested: dict[str, Attestation] = {}
    for written, attestation in found.items():
        scenario = renamed.scenario(written)
        if scenario not in known:
            raise TargetError(
                f"{path}: [{written}] is not a manual scenario; expected one of {', '.join(sorted(known))}"
            )
        if scenario in attested:
            raise TargetError(f"{path}: [{scenario}] is there twice, under its old name too; expected it once")
        attested[scenario] = attestation
    for sentence in renamed.sentences(found):
        renamed.say(f"{path}: {sentence}")
    return attested
