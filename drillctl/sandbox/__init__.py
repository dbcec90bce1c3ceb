"""Sandbox: somewhere safe to lose everything. It hands out only endpoints that it made.

May import: evidence, definition, command, clock, errors.
Add here: a new provider is one module in `providers/` and one line in `catalogue.py`.
"""
