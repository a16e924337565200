"""The engine: target, connection, question, look, outcome, evidence and the pytest plugin.

It knows nothing of the rooms above it (checks, steps, commands): what it needs from them is handed in.
"""

__version__ = "0.1.0"
