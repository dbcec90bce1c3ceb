"""Lab: a small production of our own to lose."""
