"""A run's record as files: JSON, HTML and JUnit, with their sums. It knows the engine's models and nothing else."""
