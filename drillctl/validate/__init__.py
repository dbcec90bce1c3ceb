"""Validate: is every record there, and does the copy hold together?

May import: lab, sandbox, evidence, definition, command, clock, errors. Reads through an endpoint
that a sandbox made, in sessions that cannot write. Knows nothing of restore.
Add here: a new check is one module in `checks/` and one line in `catalogue.py`.
"""
