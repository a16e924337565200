"""Secrets: what the releases have, what GitHub has, and where one is seen that should not be."""
