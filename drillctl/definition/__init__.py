"""Definition: what was promised. YAML in, frozen records out, every mistake at once.

May import: command, clock, errors. It never imports a plug-in: the kinds of checks and engines that
a drill may name come in as a `Vocabulary`, so a new check or engine is a file and a line elsewhere.
Add here: a new key of a drill (`drill.py`) or of an environment (`environment.py`).
"""
