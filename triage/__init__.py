"""What is broken and what to do now, for whoever was woken: causes, their remedies, and the page that says both.

It is handed a run's record and its look, and asks nothing itself.
"""
