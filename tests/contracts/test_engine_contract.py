"""One contract over every backup engine. A new engine brings a backup of its own to `BACKUPS`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from drillctl.errors import RecoveryFailed, SandboxError
from drillctl.evidence.verdict import Verdict
from drillctl.restore.catalogue import ENGINES
from drillctl.restore.contract import Backup, Engine
from drillctl.sandbox.contract import Sandbox, Trouble
from tests.restore import dumping
from tests.restore.dumping import Dumps

clean_target, dumps, target = dumping.clean_target, dumping.dumps, dumping.target

pytestmark = pytest.mark.postgres

BACKUPS: dict[str, Callable[[Dumps], Path]] = {"pg_dump": lambda dumps: dumps.path("custom")}
every_engine = pytest.mark.parametrize("engine", ENGINES.values(), ids=list(ENGINES))


def chosen(engine: Engine, dumps: Dumps) -> Backup:
    return engine.choose(BACKUPS[engine.name](dumps), "latest", engine.options())


def restore(engine: Engine, backup: Backup, sandbox: Sandbox, seconds: float = 60) -> list[str]:
    """What was told on the way."""
    told: list[str] = []
    engine.restore(
        backup,
        engine.options(),
        sandbox,
        jobs=2,
        timeout=timedelta(seconds=seconds),
        tell=told.append,
    )
    return told


class Troubled:
    """The real sandbox, whose answer to `trouble` is that its disk is full."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def __getattr__(self, name: str) -> object:
        return getattr(self._sandbox, name)

    def trouble(self) -> Trouble:
        return Trouble(finding="sandbox.disk_full", title="full", observed="0 B", hint="more")


@every_engine
def test_its_name_is_the_word_that_drills_use(engine: Engine) -> None:
    assert ENGINES[engine.name] is engine
    assert engine.options.model_config["extra"] == "forbid"
    assert "latest" in engine.options.stops


@every_engine
def test_an_empty_folder_is_searched_and_said(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(RecoveryFailed) as caught:
        engine.choose(tmp_path, "latest", engine.options())
    assert caught.value.finding == "restore.no_backup_found"
    assert caught.value.hint


@every_engine
def test_what_is_chosen_says_what_it_is_and_needs(engine: Engine, dumps: Dumps) -> None:
    backup = chosen(engine, dumps)
    assert backup.facts.engine == engine.name
    assert backup.facts.size_bytes > 0
    assert backup.facts.consistent_at is not None
    assert backup.facts.consistent_at_method
    assert backup.needs.major is not None
    assert backup.needs.disk_bytes > backup.facts.size_bytes
    assert all(not mount.writable for mount in backup.needs.mounts)
    assert engine.plan(backup, engine.options(), 2)


@every_engine
def test_a_whole_backup_comes_back_clean(
    engine: Engine, dumps: Dumps, clean_target: Sandbox
) -> None:
    told: list[str] = []
    restored = engine.restore(
        chosen(engine, dumps),
        engine.options(),
        clean_target,
        jobs=2,
        timeout=timedelta(minutes=1),
        tell=told.append,
    )
    assert all(finding.verdict == Verdict.PASSED for finding in restored.findings)
    assert restored.expected_structure
    assert restored.not_tested
    assert told


@every_engine
def test_time_that_runs_out_is_no_bad_backup(
    engine: Engine, dumps: Dumps, clean_target: Sandbox
) -> None:
    with pytest.raises(SandboxError) as caught:
        restore(engine, chosen(engine, dumps), clean_target, seconds=0.05)
    assert caught.value.finding == "restore.timed_out"


@every_engine
def test_the_machines_trouble_is_asked_before_the_backup_is_blamed(
    engine: Engine, dumps: Dumps, clean_target: Sandbox
) -> None:
    place = dumps.copy("custom", "troubled/custom")
    content = bytearray(place.read_bytes())
    content[len(content) // 2] ^= 255
    place.write_bytes(content)
    backup = engine.choose(place, "latest", engine.options())
    with pytest.raises(SandboxError) as caught:
        restore(engine, backup, Troubled(clean_target))  # type: ignore[arg-type]
    assert caught.value.finding == "sandbox.disk_full"
