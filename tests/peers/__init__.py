"""Other tools asked the same of the same lab, to measure against."""
