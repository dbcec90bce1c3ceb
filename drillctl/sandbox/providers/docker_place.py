"""Names of what a Docker sandbox makes, and whose it is.

volume     drillctl-<run>-<role>   made first and removed last: its labels own up to the rest
folder     /tmp/drillctl-1a2b3c4d  0700, the operator's; its `s` is shared with the container
container  drillctl-<run>-<role>
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from drillctl.evidence.owner import Owner, this_process
from drillctl.sandbox.contract import Order

PORT = 5432
OWNER, RUN, ROLE, FOLDER = "drillctl.owner", "drillctl.run", "drillctl.role", "drillctl.folder"
# Inside the container. The data lies on the volume, which no memory limit counts.
VOLUME_INSIDE, SOCKETS_INSIDE = "/drillctl/v", "/drillctl/s"
# Short, for a socket's path holds 107 bytes at most; $TMPDIR may be long.
BASE = Path("/tmp")  # noqa: S108 - the folder is made anew, or refused when it is there


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    name: str
    folder: Path

    @property
    def sockets(self) -> Path:
        return self.folder / "s"


def place_for(order: Order) -> Place:
    """Deterministic, so that a journal that only says what was intended is enough to find it."""
    words = f"{order.run_id}/{order.role}"
    digest = hashlib.sha256(f"docker/{words}".encode()).hexdigest()[:8]
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", words.replace("/", "-"))
    return Place(name=f"drillctl-{plain}", folder=BASE / f"drillctl-{digest}")


def labels_for(order: Order, place: Place) -> dict[str, str]:
    return {
        RUN: order.run_id,
        ROLE: order.role,
        FOLDER: str(place.folder),
        OWNER: json.dumps(this_process().as_dict(), sort_keys=True),
    }


def owner_in(labels: dict[str, str]) -> Owner | None:
    """None when the label is not one of ours."""
    try:
        return Owner.from_dict(json.loads(labels[OWNER]))
    except (KeyError, ValueError, TypeError):
        return None


def folder_in(labels: dict[str, str]) -> Path | None:
    """The socket folder that a label names, if it can be one of ours: it will be deleted."""
    folder = Path(labels.get(FOLDER, "/"))
    named = re.fullmatch(r"drillctl-[0-9a-f]{8}", folder.name)
    return folder if named and folder.parent == BASE else None
