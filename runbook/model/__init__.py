"""What the engine speaks of, as frozen values: targets, questions, actions, outcomes, records. Nothing is sent here."""
