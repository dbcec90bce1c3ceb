"""The face: quick help, true exit codes, no traceback for what people get wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from drillctl.cli.root import COMMANDS
from tests.commandline import drillctl

HEAVY = ("psycopg", "docker", "pydantic", "rich", "jinja2", "yaml", "boto3", "requests")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom drillctl.cli.root import cli\n"
        "try:\n cli.main(['--help'], prog_name='drillctl')\nexcept SystemExit: pass\n"
        f"sys.exit(', '.join(name for name in {HEAVY!r} if name in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"imported for --help: {done.stderr}"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_answers_help(name: str) -> None:
    done = drillctl(name, "--help")
    assert done.returncode == 0
    assert "Usage: drillctl" in done.stdout


def test_an_unknown_command_is_guessed() -> None:
    done = drillctl("lnit")
    assert done.returncode == 2
    assert "did you mean `lint`" in done.stderr or "did you mean `init`" in done.stderr


@pytest.mark.parametrize(
    "argv",
    [
        ("run", "nowhere.yaml"),
        ("plan", "nowhere.yaml"),
        ("lint", "nowhere.yaml"),
        ("debrief", "nowhere"),
        ("init", "nowhere.dump"),
        ("lab", "status", "nowhere"),
        ("run",),
        ("schema", "nothing"),
    ],
)
def test_what_people_get_wrong_exits_2_without_a_traceback(
    argv: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = drillctl(*argv)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


def test_a_closed_pipe_is_not_an_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m drillctl schema record | head -1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "{"
    assert done.stderr == ""
