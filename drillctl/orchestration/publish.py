"""The record and its debriefs, written beside the journal they come from."""

from __future__ import annotations

from drillctl.debrief.catalogue import RENDERERS
from drillctl.evidence.runs import RECORD, RunFolder
from drillctl.orchestration.scene import Tell


def publish(run: RunFolder, tell: Tell) -> None:
    """Write what can be written: one rendering's failure must not take the record with it."""
    record = run.read()
    try:
        # A record that knows more than an altered journal is evidence: it is not written over.
        if record.journal.intact or not (run.path / RECORD).exists():
            run.write(RECORD, record.to_json())
        for renderer in RENDERERS.values():
            run.write(renderer.file_name, renderer.render(record))
    except OSError as error:
        tell(f"not every debrief could be written: {error.strerror}; the journal is whole")
