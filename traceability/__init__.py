"""Whether the features account for every line of the operator's own runbook. That text stays the operator's file."""
