"""What only a person can do: who has attested it, and until when that counts."""

from __future__ import annotations

from datetime import UTC, datetime

from pytest_bdd import parsers, then

from runbook.model.outcome import Attested, Undetermined, require
from runbook.suite.attestation import Attestation


@then(parsers.re(r"a person has attested that .+ \(section (?P<section>[\d.]+)\)"))
def a_person_has_attested(attestation: Attestation | None, section: str) -> None:
    if attestation is None:
        raise Undetermined(
            "nobody has attested it (expected a table of the scenario's id in the target's attestations file)"
        )
    said = f"{attestation.by} on {attestation.on}: {attestation.proof}"
    if attestation.has_ended(datetime.now(UTC)):
        raise Undetermined(f"the attestation is valid until {attestation.expires} only ({said})")
    require(attestation.result == "passed", expected="it went well", actual=said, section=section)
    raise Attested(f"{said}; until {attestation.expires}")
