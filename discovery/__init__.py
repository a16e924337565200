"""What a server shows of itself, as a target file says it: `runbook init` writes it."""
