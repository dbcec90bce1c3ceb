"""Debrief: what did we learn? From a DrillRecord alone, for each kind of reader.

May import: evidence, definition (for its units). Never a database driver or an engine.
Add here: a new format is one module (see `contract.py`) and one line in `catalogue.py`.
"""
