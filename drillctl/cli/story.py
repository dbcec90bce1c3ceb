"""A journal entry in one line for people: only what they care about while they wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from drillctl.debrief.plain import one_line, plain
from drillctl.definition.units import format_duration, format_size
from drillctl.evidence.journal import Entry
from drillctl.evidence.measures import PHASES

Tone = Literal["passed", "failed", "inconclusive", "moment", "detail"]
Data = Mapping[str, Any]

_LONGEST = 160
_MARKS = {
    "lab_requested": "bringing up the lab",
    "lab_ready": "the lab is up; production runs",
    "disaster": "production is lost",
    "declared": "drill declared; the clock runs",
    "backup_chosen": "backup chosen",
    "provisioned": "sandbox ready",
    "restored": "restored",
    "checked": "every check has ended",
    "validated": "validated; the clock stops",
    "loss_measured": "loss measured",
    "teardown_began": "tearing down",
    "torn_down": "torn down",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    text: str
    tone: Tone


def line_of(entry: Entry) -> Line | None:
    """None for what nobody waits for. Never raises: an odd entry is left to the debrief."""
    teller = _TELLERS.get(entry.kind)
    if teller is None:
        return None
    try:
        line = teller(entry.data)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return line and Line(text=one_line(plain(line.text), _LONGEST), tone=line.tone)


def _opened(data: Data) -> Line:
    return Line(text=f"run {data['run_id']}", tone="detail")


def _mark(data: Data) -> Line:
    name = str(data["name"])
    return Line(text=_MARKS.get(name, name.replace("_", " ")), tone="moment")


def _backup(data: Data) -> Line:
    size = format_size(int(data["size_bytes"]))
    text = f"backup: {data['label']} ({data['engine']}, {data['format']}, {size})"
    return Line(text=text, tone="detail")


def _sandbox(data: Data) -> Line:
    probes = data["isolation"]
    held = sum(probe["held"] is True for probe in probes)
    isolation = f"{held} of {len(probes)} isolation probes held"
    text = f"sandbox: {data['provider']}, PostgreSQL {data['server_version']}; {isolation}"
    return Line(text=text, tone="detail" if held == len(probes) else "inconclusive")


def _check(data: Data) -> Line:
    seen = "" if data["verdict"] == "passed" else f": {data['observed']}"
    return Line(text=f"check {data['verdict']}: {data['name']}{seen}", tone=data["verdict"])


def _finding(data: Data) -> Line:
    verdict = data["verdict"]
    tone: Tone = "detail" if verdict == "passed" else verdict
    word = "note" if verdict == "passed" else "finding"
    return Line(text=f"{word} {data['id']}: {data['title']}", tone=tone)


def _loss(data: Data) -> Line:
    text = f"lost {data['lost']:,} of {data['acknowledged']:,} acknowledged transfers"
    return Line(text=text, tone="detail")


def _teardown(data: Data) -> Line:
    if data["destroyed"] is True:
        return Line(text="everything was looked for and is gone", tone="passed")
    if data["left"]:
        return Line(text="left behind: " + ", ".join(data["left"]), tone="failed")
    return Line(text="could not look whether everything is gone", tone="inconclusive")


def _closed(data: Data) -> Line | None:
    if data["outcome"] == "finished":
        return None
    return Line(text=f"the drill was {data['outcome']}", tone="inconclusive")


def moment_of(entry: Entry) -> float:
    """Seconds since the opening; a mark that another process measured was a little earlier."""
    if entry.kind != "mark" or "at" not in entry.data:
        return entry.elapsed
    try:
        at = datetime.fromisoformat(str(entry.data["at"]))
        return entry.elapsed - (entry.at - at).total_seconds()
    except (TypeError, ValueError):
        return entry.elapsed


def stamp(elapsed: float) -> str:
    """Seven columns: `  39.9s`, `   1h2m`."""
    return f"{f'{elapsed:.1f}s' if elapsed < 60 else format_duration(elapsed):>7}"


class Story:
    """Tells entries in order; remembers marks, so it knows the phase and how long each took."""

    def __init__(self) -> None:
        self.phase = ""
        self._at: dict[str, float] = {}

    def line(self, entry: Entry) -> Line | None:
        line = line_of(entry)
        if entry.kind == "backup" and "backup_chosen" in self._at:
            digest = str(entry.data.get("sha256", ""))
            return Line(text=f"backup read to its end, sha256 {digest[:12]}...", tone="detail")
        if entry.kind != "mark" or line is None:
            return line
        name = str(entry.data["name"])
        at = moment_of(entry)
        self._at[name] = at
        self.phase = next((phase for phase, begin, *_ in PHASES if begin == name), "")
        took = next(
            (at - self._at[begin] for _, begin, end, *_ in PHASES
             if end == name and begin in self._at),
            None,
        )  # fmt: skip
        if took is None:
            return line
        return Line(text=f"{line.text} ({format_duration(took)})", tone=line.tone)


_TELLERS: Mapping[str, Callable[[Data], Line | None]] = {
    "run_opened": _opened,
    "mark": _mark,
    "backup": _backup,
    "sandbox": _sandbox,
    "check": _check,
    "finding": _finding,
    "loss": _loss,
    "teardown": _teardown,
    "run_closed": _closed,
}
