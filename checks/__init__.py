"""What is asked of a server, and how the answer is read: questions, observations, and functions from one to the other.

Nothing here judges and nothing here changes anything.
"""
