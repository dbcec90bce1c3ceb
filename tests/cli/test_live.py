"""The live view: facts for people, and a reader who goes away changes nothing."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from drillctl.cli.live import Live
from drillctl.cli.story import line_of
from drillctl.evidence.journal import read_journal
from tests.debrief.examples import (
    EXAMPLES,
    begin,
    lost_production,
    passing_checks,
    restored,
    torn_down,
)

ROOT = Path(__file__).parents[2]


def watched(folder: Path, stream: io.TextIOBase, tell: Callable[[Live], None]) -> None:
    """A whole drill with `tell` between its stages."""
    with Live("ledger-restore", stream) as live:  # type: ignore[arg-type]
        teller = lost_production(begin(folder, listener=live.entry))
        tell(live)
        passing_checks(restored(teller).at(41.8)).mark("checked").mark("validated")
        tell(live)
        torn_down(teller, 42.7).record()


def test_elsewhere_than_on_a_terminal_each_fact_is_a_plain_line(tmp_path: Path) -> None:
    stream = io.StringIO()
    watched(tmp_path, stream, lambda live: live.tell("restored 40 of 112 items"))
    text = stream.getvalue()
    for line in (
        "   9.4s  the lab is up; production runs (9.3s)",
        "  30.3s  drill declared; the clock runs (0.1s)",
        "  30.6s  backup: ledger-20261124T050022Z.dump (pg_dump, custom, 47 MiB)",
        "  33.1s  sandbox: docker, PostgreSQL 17.6; 6 of 6 isolation probes held",
        "  39.9s  restored (6.8s)",
        "  41.8s  check passed: row counts",
        "  41.8s  validated; the clock stops",
        "  44.0s  everything was looked for and is gone",
    ):
        assert line in text.splitlines()
    assert "\x1b" not in text
    assert "effect" not in text


def test_a_mark_that_another_process_measured_is_told_at_its_own_moment(tmp_path: Path) -> None:
    stream = io.StringIO()
    with Live("a", stream) as live:
        teller = begin(tmp_path, listener=live.entry).at(4.0).mark("lab_ready").at(31.3)
        at = teller.clock.now().wall - timedelta(seconds=5.7)
        teller.say("mark", name="disaster", at=at.isoformat()).at(31.4).mark("declared")
    told = stream.getvalue().splitlines()
    assert told[-2:] == [
        "  25.6s  production is lost (21.6s)",
        "  31.4s  drill declared; the clock runs (5.8s)",
    ]


def test_progress_of_one_kind_is_not_a_flood(tmp_path: Path) -> None:
    stream = io.StringIO()
    with Live("a", stream) as live:
        for count in range(1000):
            live.tell(f"restored {count} of 1000 items")
        live.tell("setting the server back")
        live.notice("SIGINT: stopping and tearing down")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert "setting the server back" in lines[1]
    assert "SIGINT" in lines[2]


def test_hostile_text_stays_on_its_line(tmp_path: Path) -> None:
    EXAMPLES["hostile"](tmp_path)
    for entry in read_journal(tmp_path / "journal.jsonl").entries:
        line = line_of(entry)
        if line is not None:
            assert re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e]", line.text) is None
            assert len(line.text) <= 160


@pytest.mark.parametrize("kind", ["mark", "backup", "sandbox", "check", "finding", "teardown"])
@pytest.mark.parametrize("data", [{}, {"name": None}, {"isolation": 7, "size_bytes": "x"}])
def test_an_odd_entry_is_left_to_the_debrief(
    kind: str, data: dict[str, object], tmp_path: Path
) -> None:
    stream = io.StringIO()
    with Live("a", stream) as live:
        begin(tmp_path, listener=live.entry).say(kind, **data)


class Broken(io.StringIO):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def write(self, _text: str) -> int:
        raise self._error

    def flush(self) -> None:
        raise self._error


@pytest.mark.parametrize(
    "error", [BrokenPipeError(), OSError(28, "full"), ValueError("closed"), RuntimeError("again")]
)
def test_a_reader_that_went_away_changes_nothing(error: Exception, tmp_path: Path) -> None:
    watched(tmp_path, Broken(error), lambda live: live.tell("progress"))
    assert read_journal(tmp_path / "journal.jsonl").entries[-1].kind == "run_closed"


def test_a_narrow_encoding_is_no_obstacle(tmp_path: Path) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    with Live("数", stream) as live:
        live.tell("数 of 10 “items”")
    assert raw.getvalue().endswith(b"? of 10 ?items?\n")


def test_threads_may_tell_at_once(tmp_path: Path) -> None:
    stream = io.StringIO()
    with Live("a", stream) as live:

        def shout() -> None:
            for _ in range(50):
                live.notice("x" * 50)

        threads = [threading.Thread(target=shout) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 200
    assert all(re.fullmatch(r" *\d+\.\ds  x{50}", line) for line in lines)


WATCHED = """
import sys, time
from pathlib import Path
from drillctl.cli.live import Live
from tests.debrief.examples import begin, lost_production, passing_checks, restored, torn_down
with Live("ledger-restore") as live:
    teller = lost_production(begin(Path(sys.argv[1]), listener=live.entry))
    restored(teller)
    live.tell("checking 3 of 6")
    time.sleep(0.4)
    passing_checks(teller.at(41.8)).mark("checked")
    torn_down(teller, 42.7).record()
print("the end")
"""


def spawn(folder: Path, stderr: int, **environment: str) -> subprocess.Popen[bytes]:
    plain = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "TERM"}}
    return subprocess.Popen(
        [sys.executable, "-c", WATCHED, folder],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=plain | {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"} | environment,
    )


# Some Pythons end with 120 when nobody takes the last words; `drillctl` itself does not.
DEAF = (0, 120)


def on_terminal(folder: Path, *, hang_up: bool = False, **environment: str) -> tuple[int, str, str]:
    """Exit code, standard output, and what the terminal showed."""
    ours, theirs = pty.openpty()
    process = spawn(folder, theirs, **environment)
    os.close(theirs)
    seen = b""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        ready, _, _ = select.select([ours], [], [], 1)
        if not ready:
            continue
        try:
            chunk = os.read(ours, 65536)
        except OSError:
            break
        seen += chunk
        if not chunk or (hang_up and b"restored" in seen):
            break
    os.close(ours)
    out, _ = process.communicate(timeout=60)
    return process.returncode, out.decode(), seen.decode("utf-8", "replace")


def test_on_a_terminal_it_is_live(tmp_path: Path) -> None:
    code, out, seen = on_terminal(tmp_path)
    assert (code, out) == (0, "the end\n")
    words = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)
    assert "check passed: row counts" in words
    assert re.search(r"validate .*checking 3 of 6", words)
    assert "\x1b[?25h" in seen, "the cursor is shown again"
    assert "\x1b[2K" in seen


def test_without_colour_it_is_still_live(tmp_path: Path) -> None:
    _, _, seen = on_terminal(tmp_path, NO_COLOR="1")
    assert "check passed: row counts" in seen
    assert re.search(r"\x1b\[(3\d|[0-9;]*3\d)m", seen) is None


def test_a_terminal_that_is_closed_does_not_end_the_drill(tmp_path: Path) -> None:
    code, out, _ = on_terminal(tmp_path, hang_up=True)
    assert (code in DEAF, out) == (True, "the end\n")
    assert read_journal(tmp_path / "journal.jsonl").entries[-1].kind == "run_closed"


def test_a_pipe_that_is_closed_does_not_end_the_drill(tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    process = spawn(tmp_path, theirs)
    os.close(theirs)
    os.close(ours)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode in DEAF, out) == (True, b"the end\n")
