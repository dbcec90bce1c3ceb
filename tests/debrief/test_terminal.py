"""The verdict block: the same words on a terminal, in a log, in ASCII, in 80 columns."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from drillctl.debrief.terminal import verdict_block
from drillctl.evidence.record import DrillRecord
from tests.debrief.examples import EXAMPLES, told


def shown(record: DrillRecord, *, encoding: str = "utf-8", width: int = 80) -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    Console(file=stream, width=width, highlight=False).print(verdict_block(record))
    stream.flush()
    return raw.getvalue().decode(encoding)


def test_a_pass_is_read_in_five_seconds() -> None:
    text = shown(told("passed"))
    flat = " ".join(text.split())
    assert text.startswith("✔ PASSED  ledger-restore")
    assert "RTA 11.5s RTO 15m met with 14m48s to spare" in flat
    assert "RPA 8.5s RPO 5m met with 4m52s to spare" in flat
    assert "lost 37 of 4,210 acknowledged transfers: 18,234.50 EUR, 1,204,500 JPY" in flat
    assert "checks 6 passed" in flat
    assert "3 things were not tested" in flat
    assert len(text.splitlines()) < 14


def test_a_failure_shows_the_worst_findings_with_what_to_do() -> None:
    text = shown(told("failed"))
    assert "✘ FAILED" in text
    assert text.index("unbalanced_transfers") < text.index("restore.errors_ignored")
    assert "what to do: restore the globals too" in text
    assert "pg_stat_statements" not in text
    assert "1 failed, 1 inconclusive, 6 passed" in text


def test_many_findings_are_counted_not_listed() -> None:
    text = shown(told("huge"))
    assert text.count("what to do:") == 5
    assert "and 62 more findings" in text


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_it_fits_any_stream(name: str, encoding: str) -> None:
    text = shown(told(name), encoding=encoding)
    assert "\x1b" not in text
    assert re.search(r"PASSED|FAILED|INCONCLUSIVE", text.splitlines()[0])
    if encoding == "ascii":
        assert all(len(line) <= 80 for line in text.splitlines())


def test_colour_only_where_it_is_wanted(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from rich.console import Console;"
        "from drillctl.debrief.terminal import verdict_block;"
        "from tests.debrief.examples import passed;"
        "Console(highlight=False).print(verdict_block(passed(Path(sys.argv[1]))))"
    )
    told = {}
    for name, extra in (
        ("plain", {}),
        ("colour", {"FORCE_COLOR": "1"}),
        ("no", {"NO_COLOR": "1", "FORCE_COLOR": "1"}),
    ):
        folder = tmp_path / name
        folder.mkdir()
        environment = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "FORCE_COLOR"}}
        ran = subprocess.run(
            [sys.executable, "-c", code, folder],
            cwd=Path(__file__).parents[2],
            env=environment | {"TERM": "xterm", "PYTHONIOENCODING": "utf-8"} | extra,
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        told[name] = ran.stdout
    assert "\x1b" not in told["plain"]
    assert "\x1b[1;32m" in told["colour"]
    assert "32m" not in told["no"]
