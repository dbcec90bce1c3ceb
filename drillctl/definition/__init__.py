"""Definition: what was promised. YAML in, frozen records out, every mistake at once.

May import: command, clock, errors. It never imports a plug-in: the kinds of checks and engines that
a drill may name come in as a `Vocabulary`, so a new check or engine is a file and a line elsewhere.

    source -> composing -> nodes     bytes to data, each value with its place
    fit, explain, shapes             a model's complaints as problems: where, what, what instead
    load, load_environment           the parts of a file, each judged by itself, into one record
    schema, lint                     the same models for editors; the same loader for folders

Add here: a key of a drill is a field in `drill_file.py` (as written) and in `drill.py` (as used);
of an environment, in `environment_file.py` and `environment.py`. The schema follows by itself. A
word that this version does not have yet stands in `later.py`.
"""
