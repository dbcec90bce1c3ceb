"""action.yml: its own script, run by bash as a runner runs it.

`drillctl run` is replaced by one that leaves an example's run folder and exit code; every other
command is the real one.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]

STAND_IN = """\
#!{python}
import os, sys
from pathlib import Path
sys.path.insert(0, {root!r})
if sys.argv[1] == "run":
    from tests.debrief.examples import EXAMPLES
    Path(os.environ["ARGUMENTS"]).write_text("\\n".join(sys.argv[2:]))
    print("::error title=injected::by a name in the backup")
    if os.environ["EXAMPLE"]:
        folder = Path(sys.argv[sys.argv.index("--out") + 1], "20261124T050000Z-new")
        folder.mkdir(parents=True)
        EXAMPLES[os.environ["EXAMPLE"]](folder)
    sys.exit(int(os.environ["EXIT"]))
from drillctl.__main__ import main
main()
"""


@dataclass(frozen=True)
class Ran:
    exit_code: int
    log: str
    summary: str
    outputs: dict[str, str]
    arguments: list[str]


def run_step(folder: Path, example: str, exit_code: int, **inputs: str) -> Ran:
    """The `Run the drill` step in `folder`, with GitHub's own bash options and files."""
    (step,) = (each for each in STEPS if each.get("id") == "drill")
    assert step["shell"] == "bash"
    bin_folder = folder / "temp" / "drillctl" / "bin"
    bin_folder.mkdir(parents=True, exist_ok=True)
    stand_in = bin_folder / "drillctl"
    stand_in.write_text(STAND_IN.format(python=sys.executable, root=str(ROOT)))
    stand_in.chmod(0o755)
    (bin_folder / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (bin_folder / "python").chmod(0o755)
    script = folder / "step.sh"
    script.write_text(step["run"])
    summary, outputs, arguments = (folder / name for name in ("summary", "outputs", "arguments"))
    for each in (summary, outputs, arguments):
        each.touch()
    ran = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "RUNNER_TEMP": str(folder / "temp"),
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_OUTPUT": str(outputs),
            "EXAMPLE": example,
            "EXIT": str(exit_code),
            "ARGUMENTS": str(arguments),
            "DRILL": "drills/ledger.yaml",
            "OUT": "runs",
            "PROVIDER": "",
            "SELECT": "",
        }
        | inputs,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Ran(
        exit_code=ran.returncode,
        log=ran.stdout + ran.stderr,
        summary=summary.read_text("utf-8"),
        outputs=dict(line.split("=", 1) for line in outputs.read_text().splitlines()),
        arguments=arguments.read_text().splitlines(),
    )


def test_a_pass_is_green_with_its_numbers_and_no_older_run_is_taken_for_it(tmp_path: Path) -> None:
    old = tmp_path / "runs" / "99991231T000000Z-old"
    old.mkdir(parents=True)
    (old / "journal.jsonl").touch()
    os.utime(old / "journal.jsonl", (1, 1))
    ran = run_step(tmp_path, "passed", 0)
    assert ran.exit_code == 0, ran.log
    assert ran.outputs == {
        "exit_code": "0",
        "run": "runs/20261124T050000Z-new",
        "run_id": "20261124T050000Z-ledger-restore-9f31c2",
        "verdict": "passed",
        "rta": "11.5",
        "rpa": "8.5",
        "lost_writes": "37",
    }
    assert ran.summary.startswith("## ✅ Passed: ledger-restore")
    assert ran.arguments == ["--out", "runs", "--", "drills/ledger.yaml"]


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return run_step(tmp_path_factory.mktemp("failed"), "failed", 1)


def test_a_failure_is_red_and_annotated_and_what_was_not_measured_is_empty(failed: Ran) -> None:
    assert failed.exit_code == 1
    assert failed.summary.startswith("## ❌ Failed: ledger-restore")
    assert "\n::error title=ledger-restore%3A failed::14 transfers do not" in failed.log
    assert (failed.outputs["verdict"], failed.outputs["rta"]) == ("failed", "")


def test_what_a_drill_prints_is_no_command(failed: Ran) -> None:
    token = re.findall(r"^::stop-commands::([0-9a-f]{32})$", failed.log, re.MULTILINE)[0]
    stopped = failed.log.index(f"::stop-commands::{token}")
    resumed = failed.log.index(f"\n::{token}::\n")
    injected = failed.log.index("::error title=injected")
    assert stopped < injected < resumed < failed.log.index("::error title=ledger")


@pytest.mark.parametrize(("example", "exit_code"), [("interrupted", 130), ("passed", 70)])
def test_every_other_exit_code_is_kept(example: str, exit_code: int, tmp_path: Path) -> None:
    ran = run_step(tmp_path, example, exit_code)
    assert ran.exit_code == exit_code
    assert ran.outputs["exit_code"] == str(exit_code)
    assert ran.summary.startswith("## ")


def test_no_run_is_an_error_and_never_green(tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    ran = run_step(tmp_path, "", 2)
    assert ran.exit_code == 2
    assert ran.outputs == {"exit_code": "2"}
    assert "::error title=drillctl::no drill was run (exit code 2)" in ran.log
    assert run_step(tmp_path / "two", "", 0).exit_code == 70


def test_inputs_are_never_read_by_the_shell(tmp_path: Path) -> None:
    evil = "a b'\"; touch pwned; $(touch pwned) `touch pwned` ${IFS} * --help"
    ran = run_step(tmp_path, "passed", 0, DRILL=evil, OUT="o $(touch pwned)", PROVIDER=evil)
    assert ran.exit_code == 0, ran.log
    assert ran.arguments == ["--out", "o $(touch pwned)", "--provider", evil, "--", evil]
    assert not list(tmp_path.rglob("pwned"))
    for step in STEPS:
        assert "${{" not in step.get("run", "")


def test_the_action_is_whole() -> None:
    assert ACTION["runs"]["using"] == "composite"
    used = set(re.findall(r"inputs\.([a-z-]+)", (ROOT / "action.yml").read_text()))
    assert used == set(ACTION["inputs"])
    for step in STEPS:
        assert "uses" in step or step["shell"] == "bash"
        assert re.fullmatch(r"actions/[a-z-]+@v\d+", step.get("uses", "actions/x@v1"))
    (keep,) = (step for step in STEPS if "upload-artifact" in step.get("uses", ""))
    assert "always()" in keep["if"]
    script = next(step["run"] for step in STEPS if step.get("id") == "drill")
    for output in ACTION["outputs"].values():
        name = re.fullmatch(r"\$\{\{ steps\.drill\.outputs\.([a-z_]+) \}\}", output["value"])
        assert name is not None and (f'"{name[1]}"' in script or f"{name[1]}=" in script)
