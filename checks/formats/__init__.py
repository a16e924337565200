"""Formats that can be read without a server, each by a reader that refuses what it does not know."""
