"""Nobody looks, nobody can write, the terminal closes: the drill goes its way all the same."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from drillctl.sandbox.providers import process_cell
from tests.commandline import await_moment
from tests.sabotage.ground import Ground, first, ground, only_run
from tests.sabotage.sources import SMALL, take_dumps

__all__ = ["ground"]
pytestmark = [pytest.mark.postgres, pytest.mark.slow]

COUNT = "row_counts: {tables: {item: 500}}"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return take_dumps(tmp_path_factory.mktemp("dumps"), {"small.dump": SMALL})["small.dump"]


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A file system of its own that cannot be written."""
    if process_cell.method_here() != "namespaces":
        pytest.skip("NOT TESTED: only root with namespaces mounts a tmpfs")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize(
    "line",
    first(
        3,
        "| head -n 1 > {first}",
        "2>&- >&-",
        "2> /dev/full > /dev/full",
        "2>&- > {first}",
        "< /dev/null",
    ),
)
def test_closed_and_full_streams_change_nothing(line: str, small: Path, ground: Ground) -> None:
    drill, out = ground.drill(small, COUNT), ground.fresh_out()
    command = f"{sys.executable} -m drillctl run {drill} --out {out}"
    shell = f"set -o pipefail; {command} {line.format(first=ground.folder / 'first')}"
    done = subprocess.run(
        ["bash", "-c", shell],
        capture_output=True,
        text=True,
        timeout=60,
        env=ground.env,
        check=False,
    )
    record = only_run(out).read()
    assert (record.outcome, record.verdict) == ("finished", "passed")
    assert record.statuses.cleanup == "passed"
    assert (only_run(out).path / "debrief.html").is_file()
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert "Traceback" not in done.stderr
    assert ground.traces() == []


def test_a_reader_that_leaves_hides_no_failure(small: Path, ground: Ground) -> None:
    drill, out = ground.drill(small, "row_counts: {tables: {item: 501}}"), ground.fresh_out()
    shell = f"set -o pipefail; {sys.executable} -m drillctl run {drill} --out {out} --json | true"
    done = subprocess.run(
        ["bash", "-c", shell],
        capture_output=True,
        text=True,
        timeout=60,
        env=ground.env,
        check=False,
    )
    assert only_run(out).read().verdict == "failed"
    assert done.returncode == 1, done.stderr


def test_a_terminal_that_closes(small: Path, ground: Ground) -> None:
    """The kernel sends SIGHUP to the foreground, and every write to the terminal fails after it."""
    drill, out = ground.drill(small, COUNT), ground.fresh_out()
    ours, theirs = pty.openpty()
    process = ground.start(
        drill,
        out,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # its controlling terminal
    )
    os.close(theirs)
    await_moment(out, "provisioned", process)
    os.close(ours)
    assert process.wait(timeout=60) == 130
    record = only_run(out).read()
    assert record.outcome == "interrupted"
    assert record.verdict != "passed"
    assert record.statuses.cleanup == "passed"
    assert ground.traces() == []


def test_a_terminal_shows_the_drill_and_control_c_stops_it(small: Path, ground: Ground) -> None:
    drill, out = ground.drill(small, COUNT), ground.fresh_out()
    ours, theirs = pty.openpty()
    process = ground.start(drill, out, stdout=theirs, stderr=theirs)
    os.close(theirs)
    await_moment(out, "provisioned", process)
    os.kill(process.pid, signal.SIGINT)
    shown = b""
    with contextlib.suppress(OSError):  # EIO: the other side is gone
        while chunk := os.read(ours, 4096):
            shown += chunk
    os.close(ours)
    assert process.wait(timeout=60) == 130
    assert b"SIGINT" in shown
    assert shown.rstrip().endswith(b"SIGINT") or b"torn down" in shown
    assert shown.count(b"\x1b[?25h") >= shown.count(b"\x1b[?25l"), "the cursor is given back"
    assert ground.traces() == []


def test_runs_on_a_read_only_file_system(small: Path, ground: Ground) -> None:
    out = ground.folder / "read-only"
    out.mkdir()
    with read_only(out):
        done = ground.call("run", str(ground.drill(small, COUNT)), "--out", str(out / "runs"))
    assert done.returncode == 3, done.stderr
    assert "--out" in done.stderr
    assert "Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr
    assert ground.traces() == []


@pytest.mark.parametrize(
    "odd",
    first(
        4,
        {"HOME": "/proc"},  # cannot be written by anybody
        {"PGHOST": "production.example", "PGHOSTADDR": "192.0.2.1", "PGPORT": "1", "PGUSER": "x"},
        {"PGSERVICE": "production", "PGREQUIREAUTH": "gss", "PGCHANNELBINDING": "require"},
        {"HOME": None, "TMPDIR": "a folder with spaces/that is relative"},
        {"PGOPTIONS": "-c cluster_name=x", "PGTARGETSESSIONATTRS": "standby"},
        {"HOME": "/nonexistent"},
        {"HOME": ""},
        {"TMPDIR": "/nonexistent"},
        {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C", "LC_ALL": "C", "TERM": "dumb"},
        {"TZ": "Asia/Kathmandu", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "COLUMNS": "1"},
    ),
    ids=lambda odd: "-".join(f"{key}={value}" for key, value in odd.items())[:40],
)
def test_an_odd_environment(odd: dict[str, str | None], small: Path, ground: Ground) -> None:
    """From another working directory too, which must stay as it is but for --out."""
    elsewhere = ground.folder / "elsewhere"
    elsewhere.mkdir()
    env = {key: value for key, value in ground.env.items() if odd.get(key, "") is not None}
    env |= {key: value for key, value in odd.items() if value is not None}
    done = subprocess.run(
        [sys.executable, "-m", "drillctl", "run", str(ground.drill(small, COUNT))],
        capture_output=True,
        text=True,
        timeout=40,
        cwd=elsewhere,
        env=env,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [path.name for path in elsewhere.iterdir()] == ["runs"]
    assert only_run(elsewhere / "runs").read().verdict == "passed"
