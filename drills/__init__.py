"""Procedures that change a server and change it back: declared acts with their undo, and looks in between."""
