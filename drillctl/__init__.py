"""drillctl: disaster-recovery drills in which everything is measured.

The rooms read as the story of a drill; a room imports only from the lines below it:

    cli                  the face: only cli prints and exits
    orchestration        rehearse(plan) -> DrillRecord: the drill, top to bottom
    debrief              what we learned
    restore | validate   put the backup back | check every record
    lab                  a small production of our own to lose
    sandbox              somewhere safe to lose everything
    evidence             what happened: marks, findings, journal, records, runs on disk
    definition           what was promised: YAML in, frozen records out
    command|clock|errors
"""

__version__ = "0.1.0"
