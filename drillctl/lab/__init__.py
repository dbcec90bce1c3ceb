"""Lab: a small production of our own to lose. What was acknowledged, and what became of it?

A ledger on real Postgres under real payment traffic, with scheduled backups, kept by one process
(`keeper.py`) that a drill or `drillctl lab up` starts (`lab.py`) and that can lose its primary.

May import: sandbox, evidence, definition, command, clock, errors.
Add here: a kind of payment (`payments.py`), a format of backup (`backups.py`).
"""
