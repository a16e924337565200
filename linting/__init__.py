"""What is wrong with the runbook's own files, told without a server: each rule once, for the command and the tests."""
