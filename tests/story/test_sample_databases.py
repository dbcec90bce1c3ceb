"""Dumps of databases that nobody here designed come back whole, in every format.

A sample by default, with its seed printed: every database and every format at least once, and some
of them by a whole drill. DRILLCTL_CORPUS=full tries every format of every database.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from drillctl.definition.drill import CheckSpec
from drillctl.evidence.facts import CheckResult
from drillctl.evidence.journal import Journal
from drillctl.evidence.verdict import Verdict
from drillctl.sandbox.contract import Mount, Sandbox
from drillctl.validate.database import RestoredDatabase
from tests.commandline import Ran, drillctl
from tests.conftest import way_in
from tests.restore.dumping import MAJOR, attempt, emptied, running
from tests.story.samples import CACHE, FORMATS, NAMES, Samples, content_of
from tests.validate.restored import a_check, a_reference, checked

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

FULL = os.environ.get("DRILLCTL_CORPUS") == "full"
SEED = int(os.environ.get("DRILLCTL_SEED", random.SystemRandom().randrange(1 << 30)))
EACH = len(FORMATS) if FULL else 1
DRILLS = len(NAMES) if FULL else 4
CUT = "chinook"
HELD = tuple(a_check(kind, {}) for kind in ("foreign_keys", "sequences"))


def deal(each: int) -> list[tuple[str, str]]:
    """(database, format), `each` formats for every database, no format less often than another."""
    formats = random.Random(SEED).sample(FORMATS, len(FORMATS))
    return [
        (name, formats[(at * each + n) % len(formats)])
        for at, name in enumerate(NAMES)
        for n in range(each)
    ]


@pytest.fixture(scope="module")
def samples(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Samples]:
    if not (CACHE / ".complete").is_file():
        if os.environ.get("DRILLCTL_REQUIRE_SAMPLES") == "1":
            pytest.fail("DRILLCTL_REQUIRE_SAMPLES=1 and .ci/sample-databases has not run")
        pytest.skip("NOT TESTED: no sample databases; .ci/sample-databases fetches them")
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\nsample databases: {'every format' if FULL else f'DRILLCTL_SEED={SEED}'}")
    folder, written = (way_in(tmp_path_factory.mktemp(name)) for name in ("samples", "written"))
    folder.chmod(0o755)
    journal = Journal(tmp_path_factory.mktemp("source") / "journal.jsonl")
    for source in running(MAJOR, [Mount(host=written, writable=True)], journal):
        yield Samples(source, written, folder)
    journal.close()


@pytest.fixture(scope="module")
def target(samples: Samples, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    journal = Journal(tmp_path_factory.mktemp("target") / "journal.jsonl")
    yield from running(MAJOR, [Mount(host=samples.folder)], journal)
    journal.close()


@pytest.fixture
def clean_target(target: Sandbox) -> Iterator[Sandbox]:
    yield target
    emptied(target)


def surely(samples: Samples, name: str) -> tuple[CheckSpec, ...]:
    """What must pass: the source's true counts and its structure."""
    content = samples.content(name)
    described = samples.folder / f"{name}.json"
    described.write_text(json.dumps(content.structure))
    return (
        a_check("structure", {"reference": "archive"}),
        a_check("structure", {"reference": str(described)}),
        a_check("row_counts", {"tables": content.counts}),
    )


@cache
def of_the_source(samples: Samples, name: str) -> tuple[CheckResult, ...]:
    """What the source itself answers: some applications are installed with a sequence behind its
    keys, some have no row or no key to compare."""
    objects = samples.content(name).structure["objects"]
    listed = frozenset((each["type"], each["schema"], each["name"]) for each in objects)
    return checked(samples.database(name), *HELD, reference=a_reference(listed))[0]


@pytest.mark.parametrize(("name", "form"), deal(EACH))
def test_it_comes_back_whole(name: str, form: str, samples: Samples, clean_target: Sandbox) -> None:
    outcome = attempt(samples.dump(name, form), clean_target)
    assert outcome.verdict == Verdict.PASSED, outcome.findings
    assert outcome.causes == set()
    assert outcome.restored is not None
    content = content_of(clean_target.endpoint, outcome.restored.database)
    assert content.tables == samples.content(name).tables
    assert content.sequences == samples.content(name).sequences
    assert content.structure["objects"] == samples.content(name).structure["objects"]
    sure = surely(samples, name)
    results, _ = checked(
        RestoredDatabase(clean_target.endpoint, outcome.restored.database),
        *(*sure, *HELD),
        reference=a_reference(outcome.restored.expected_structure, folder=samples.folder),
    )
    assert [each for each in results[: len(sure)] if each.verdict != Verdict.PASSED] == []
    assert told(results[len(sure) :]) == told(of_the_source(samples, name))


def told(results: Iterable[CheckResult]) -> list[tuple[str, Verdict, str]]:
    return [(each.kind, each.verdict, each.observed) for each in results]


@pytest.mark.parametrize(("name", "form"), random.Random(SEED).sample(deal(1), DRILLS))
def test_a_drill_of_it_passes(name: str, form: str, samples: Samples, tmp_path: Path) -> None:
    dump = samples.dump(name, form)
    held = [each.kind for each in of_the_source(samples, name) if each.verdict == Verdict.PASSED]
    checks = [
        *({each.kind: json.loads(each.spec.model_dump_json())} for each in surely(samples, name)),
        *({kind: {}} for kind in held),
    ]
    drill = tmp_path / "drill.yaml"
    drill.write_text(
        json.dumps(
            {
                "name": name,
                "objectives": {"rto": "10m"},
                "restore": {"engine": "pg_dump", "from": str(dump)},
                "sandbox": {"provider": "process", "cpus": 2, "memory": "512MiB", "timeout": "10m"},
                "validate": checks,
            }
        )
    )
    done = drillctl("run", str(drill), "--out", str(tmp_path / "runs"))
    assert done.returncode == 0, done.stderr
    ran = Ran(exit_code=0, stdout=done.stdout, stderr=done.stderr, out=tmp_path / "runs")
    assert ran.record["verdict"] == "passed"
    assert len(ran.record["checks"]) == len(checks)
    assert {each["verdict"] for each in ran.record["findings"]} <= {"passed"}
    assert ran.record["sandbox"]["destroyed"] is True


@pytest.mark.parametrize("form", FORMATS)
def test_half_of_one_is_never_whole(form: str, samples: Samples, clean_target: Sandbox) -> None:
    dump = samples.dump(CUT, form)
    half = samples.folder / f"half-{form}"
    if dump.is_dir():
        shutil.copytree(dump, half)
        largest = max(half.iterdir(), key=lambda file: file.stat().st_size)
    else:
        largest = Path(shutil.copy(dump, half))
    os.truncate(largest, largest.stat().st_size // 2)
    outcome = attempt(half, clean_target)
    assert outcome.verdict == Verdict.FAILED
    assert outcome.causes == {"restore.archive_truncated"}
