"""The face: only cli prints and exits. Progress goes to stderr, results to stdout.

May import: every room below, but only inside a command, so that `drillctl --help` stays quick.
Add here: a new command is one module with a function `command` and one line in `root.py`.
"""
