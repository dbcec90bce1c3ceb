"""Evidence: what happened, told once, as facts in order.

A run is a folder. Its journal is the single source of truth: `record.json` is assembled from the
journal by a pure function, so a run that was killed at any moment can still be read and judged.

May import: definition, command, clock, errors.
Add here: a new kind of fact (`facts.py`), a new measure derived from marks (`measures.py`).
"""
