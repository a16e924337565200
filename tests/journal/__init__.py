"""The journal of a drill as a state machine: the very text that is sent, run by dash in a folder of the tests' own."""
