"""The caller of checks: in parallel, in order, in time, and stoppable."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from drillctl.definition.drill import CheckSpec
from drillctl.definition.vocabulary import Spec
from drillctl.evidence.facts import CheckResult, Finding
from drillctl.evidence.verdict import Verdict
from drillctl.sandbox.contract import Endpoint, Sandbox
from drillctl.validate.contract import Database, Observation, Reference, judged
from drillctl.validate.database import RestoredDatabase
from drillctl.validate.examine import examine
from tests.validate.restored import a_check, a_reference, checked, new_database, superuser

pytestmark = pytest.mark.postgres


class Anything(Spec):
    """Of a check that a test makes up."""


class MadeUp:
    """A check that does what a test wants."""

    KIND = "made_up"
    SPEC: type[Spec] = Anything

    def __init__(self, act: Callable[[Database], Observation]) -> None:
        self._act = act

    def label(self, spec: Any) -> str:
        return "made up"

    def run(self, spec: Any, database: Database, reference: Reference) -> Observation:
        return self._act(database)


@pytest.fixture(scope="module")
def endpoint(module_sandbox: Sandbox) -> Endpoint:
    return module_sandbox.endpoint


@pytest.fixture(scope="module")
def database(endpoint: Endpoint) -> RestoredDatabase:
    made = RestoredDatabase(endpoint, new_database(endpoint, "create table t as select 1 as id"))
    made.prepare()
    return made


def _query(sql: str, *, name: str = "", seconds: float = 20) -> CheckSpec:
    return a_check("query", {"sql": sql, "expect": {"value": 1}}, name=name, seconds=seconds)


def _made_up(
    act: Callable[[Database], Observation], database: Database, *, seconds: float = 20
) -> tuple[CheckResult, tuple[Finding, ...]]:
    spec = CheckSpec(
        kind="made_up", name="", spec=Anything(), deadline=timedelta(seconds=seconds), line=1
    )
    results, findings = examine(
        [spec],
        database,
        a_reference(),
        parallel=1,
        tell=lambda _: None,
        on_result=lambda _, __: None,
        deadline_seconds=60,
        catalogue={"made_up": MadeUp(act)},
    )
    return results[0], findings


def test_in_parallel_as_they_end_and_in_the_order_of_the_drill(database: RestoredDatabase) -> None:
    seen: list[str] = []
    told: list[str] = []
    began = time.monotonic()
    results, _ = examine(
        [
            _query("select 1 from pg_sleep(0.6)", name="slow"),
            _query("select 1 from pg_sleep(0.2)", name="quick"),
            _query("select 1 from pg_sleep(0.2)", name="next"),
        ],
        database,
        a_reference(),
        parallel=2,
        tell=told.append,
        on_result=lambda result, _: seen.append(result.name),
        deadline_seconds=60,
    )
    assert time.monotonic() - began < 0.95
    assert seen == ["quick", "next", "slow"]
    assert [result.name for result in results] == ["slow", "quick", "next"]
    assert all(result.verdict == Verdict.PASSED for result in results)
    assert results[0].seconds >= 0.6
    assert told[-1] == "3 of 3 checks done"


def test_no_time_left_is_not_a_pass(database: RestoredDatabase) -> None:
    results, findings = examine(
        [_query("select 1 from pg_sleep(5)", name="long"), _query("select 1", name="late")],
        database,
        a_reference(),
        parallel=1,
        tell=lambda _: None,
        on_result=lambda _, __: None,
        deadline_seconds=0.3,
    )
    assert [result.verdict for result in results] == [Verdict.INCONCLUSIVE] * 2
    assert [each.id for each in findings] == ["validate.timed_out"] * 2
    assert "no time left" in findings[1].title


def test_no_checks_give_no_results(database: RestoredDatabase) -> None:
    assert checked(database) == ((), ())


def test_a_session_cut_off_by_the_server(endpoint: Endpoint, database: RestoredDatabase) -> None:
    def act(database: Database) -> Observation:
        with database.session() as session, superuser(endpoint, "template1") as other:
            other.execute("select pg_terminate_backend(%s)", (session.info.backend_pid,))
            session.execute("select 1")
        return judged("", "")

    result, findings = _made_up(act, database)
    assert result.verdict == Verdict.INCONCLUSIVE
    assert [each.id for each in findings] == ["validate.connection_lost"]


def test_a_check_that_crashes(database: RestoredDatabase) -> None:
    def act(database: Database) -> Observation:
        raise ValueError("Ann Example")

    result, findings = _made_up(act, database)
    assert result.verdict == Verdict.INCONCLUSIVE
    assert [each.id for each in findings] == ["validate.check_crashed"]
    assert "Ann" not in repr((result, findings))


def test_a_bad_verdict_without_a_reason_gets_a_finding(database: RestoredDatabase) -> None:
    _, findings = _made_up(
        lambda _: Observation(verdict=Verdict.FAILED, expected="", observed=""), database
    )
    assert [(each.id, each.verdict) for each in findings] == [
        ("validate.unexplained", Verdict.FAILED)
    ]


def test_a_check_that_never_returns_is_left_behind(
    database: RestoredDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drillctl.validate.examine.ABANDON_AFTER", 0.5)
    release = threading.Event()

    def act(database: Database) -> Observation:
        release.wait(30)
        return judged("", "")

    try:
        result, findings = _made_up(act, database, seconds=0.2)
    finally:
        release.set()
    assert result.verdict == Verdict.INCONCLUSIVE
    assert [each.id for each in findings] == ["validate.timed_out"]


def test_a_statement_that_lifts_its_own_limit_is_cancelled(database: RestoredDatabase) -> None:
    def act(database: Database) -> Observation:
        with database.session({"statement_timeout": "0"}) as session:
            session.execute("select pg_sleep(30)")
        return judged("", "")

    result, findings = _made_up(act, database, seconds=0.3)
    assert [each.id for each in findings] == ["validate.timed_out"]
    assert result.seconds < 3


def test_a_frozen_server_is_cut_off(
    endpoint: Endpoint, database: RestoredDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGSTOP: no timeout of the server's own, no answer to a cancel."""
    monkeypatch.setattr("drillctl.validate.examine.SEVER_AFTER", 1.2)
    frozen: list[int] = []

    def act(database: Database) -> Observation:
        with database.session() as session:
            pid = _outer_pid(endpoint.nonce, session.info.backend_pid)
            frozen.append(pid)
            os.kill(pid, signal.SIGSTOP)
            session.execute("select 1")
        return judged("", "")

    try:
        result, findings = _made_up(act, database, seconds=0.3)
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    assert result.verdict == Verdict.INCONCLUSIVE
    assert [each.id for each in findings] == ["validate.timed_out"]
    assert result.seconds < 6


def test_an_interruption_cancels_what_runs(endpoint: Endpoint, database: RestoredDatabase) -> None:
    began = time.monotonic()
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            checked(database, *[_query("select 1 from pg_sleep(30)")] * 2)
    finally:
        timer.join()
    assert time.monotonic() - began < 5
    with superuser(endpoint, "template1") as other:
        running = other.execute(
            "select count(*) from pg_stat_activity where query like '%pg_sleep(30)%'"
            " and state = 'active' and pid <> pg_backend_pid()"
        ).fetchone()
    assert running == (0,)
    assert not [each for each in threading.enumerate() if each.name.startswith("check ")]


def test_a_listener_that_fails_stops_the_checks(database: RestoredDatabase) -> None:
    """The journal may refuse: then nothing more is examined."""

    def refuse(result: CheckResult, findings: tuple[Finding, ...]) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        examine(
            [_query("select 1"), _query("select 1 from pg_sleep(30)")],
            database,
            a_reference(),
            parallel=2,
            tell=lambda _: None,
            on_result=refuse,
            deadline_seconds=60,
        )
    assert not [each for each in threading.enumerate() if each.name.startswith("check ")]


@pytest.fixture(autouse=True)
def no_sockets_left() -> Iterator[None]:
    """Every session is closed, whatever happened."""
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir()))
    yield
    assert len(list(descriptors.iterdir())) <= before


def _outer_pid(nonce: str, inner: int) -> int:
    """The pid here of a backend that may live in a pid namespace of its own."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            ids = re.search(r"^NSpid:.*\b(\d+)$", (process / "status").read_text(), re.MULTILINE)
            title = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if ids and ids[1] == str(inner) and title.startswith(f"postgres: {nonce}".encode()):
            return int(process.name)
    raise LookupError(f"no backend with pid {inner}")
