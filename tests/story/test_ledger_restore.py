"""The shipped drill, for real: a lab under traffic is lost, restored, checked and reconciled."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from drillctl.evidence.journal import read_journal
from drillctl.sandbox.sweep import sweep
from tests.commandline import drillctl

ROOT = Path(__file__).parents[2]


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.parametrize("provider", ["process", pytest.param("docker", marks=pytest.mark.docker)])
def test_production_is_lost_and_every_transfer_accounted_for(
    provider: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if provider == "docker":
        request.getfixturevalue("docker_engine")
    done = drillctl(
        "run",
        str(ROOT / "drills" / "ledger-restore.yaml"),
        "--provider",
        provider,
        "--out",
        str(tmp_path),
        "--json",
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["verdict"] == "passed"
    assert 0 < record["rto"]["actual_seconds"] <= record["rto"]["objective_seconds"]
    assert 0 < record["rpo"]["actual_seconds"] <= record["rpo"]["objective_seconds"]
    ledger = record["rpo"]["ledger"]
    assert ledger["reconciles"] is True
    assert ledger["acknowledged"] == ledger["survived"] + ledger["lost"]
    assert ledger["recovered_rows"] == ledger["survived"] + ledger["unacked_survived"]
    assert ledger["lost"] > 0, "a drill that loses nothing measured nothing"
    assert ledger["survived"] > 0
    assert record["rpo"]["lost_amounts"]
    assert record["sandbox"]["provider"] == provider
    assert record["sandbox"]["destroyed"] is True
    assert record["not_tested"]
    assert sweep() == ()
    (folder,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert read_journal(folder / "journal.jsonl").intact
    names = {path.name for path in folder.iterdir() if path.is_file()}
    assert {"journal.jsonl", "record.json", "debrief.html", "debrief.md", "junit.xml"} <= names
    schema = json.loads(drillctl("schema", "record").stdout)
    jsonschema.validate(record, schema)
