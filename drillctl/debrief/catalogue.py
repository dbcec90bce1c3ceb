"""Every format of a debrief. `record.json` is not here: it is the record itself."""

from __future__ import annotations

from drillctl.debrief import junit, markdown
from drillctl.debrief.contract import Renderer
from drillctl.debrief.html import page

RENDERERS: dict[str, Renderer] = {
    "html": page,
    "md": markdown,
    "junit": junit,
}
