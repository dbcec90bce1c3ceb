"""Restore: put the backup back, and say to which moment it got.

May import: lab, sandbox, evidence, definition, command, clock, errors. It takes a sandbox, never a
DSN. Knows nothing of validate.
Add here: a new engine is one module (or folder) in `engines/` and one line in `catalogue.py`.
"""
