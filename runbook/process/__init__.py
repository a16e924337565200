"""What this process owes the machine on which it runs: threads, children, signals, files and streams of its own."""
