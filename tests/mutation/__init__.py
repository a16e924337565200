"""Whether a check or a step that were weaker would be noticed: by a unit test, or by a fault on the lab."""
