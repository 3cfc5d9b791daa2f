"""One file per command: its help, its arguments, and `run`, which turns them into one public call."""
