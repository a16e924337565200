"""The tests of the tests: how a lab is kept healthy between them, what a run says at its end, how soak is cut."""
