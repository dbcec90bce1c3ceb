"""Orchestration: the drill, top to bottom, as a straight list. Only `rehearse` has effects.

May import: everything but cli. It prints nothing: facts go into the journal, progress to `tell`.
Add here: a new stage is one function in `stages.py` and one line in `rehearse.py`.
"""
