"""The features as pytest runs them: plugin, plan, run, records, and what is said on the terminal."""
