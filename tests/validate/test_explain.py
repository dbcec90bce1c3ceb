"""Server messages are repeated without values of rows."""

from __future__ import annotations

import psycopg
import pytest

from drillctl.errors import SandboxError
from drillctl.evidence.facts import Room
from drillctl.evidence.verdict import Verdict
from drillctl.validate.contract import Incomparable
from drillctl.validate.explain import explain, without_values


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ('relation "accounts" does not exist', 'relation "accounts" does not exist'),
        ('invalid input syntax for type int: "Ann"', 'invalid input syntax for type int: "…"'),
        ('invalid input: "a"Ann"', 'invalid input: "…"'),
        ('value "Ann" of "Bob" here', 'value "…" here'),
        ('an unpaired " quote', 'an unpaired "…"'),
        ("value 4711 is out of range", "value … is out of range"),
        ('invalid bytes for encoding "UTF8": 0xff 0xfe', 'invalid bytes for encoding "…": … …'),
        ('type "i" does not exist', 'type "…" does not exist'),
        ("division by zero", "division by zero"),
        ("at '+49 170 1234567'", "at …"),
        ("LIMIT 5 must not be", "LIMIT 5 must not be"),
    ],
)
def test_only_the_authors_own_words_are_repeated(message: str, told: str) -> None:
    assert without_values(message, "select id from accounts limit 5") == told


def test_a_crash_names_its_place_and_not_its_message() -> None:
    try:
        raise KeyError("Ann")
    except KeyError as error:
        found = explain(error, "")
    assert found.id == "validate.check_crashed"
    assert found.verdict == Verdict.INCONCLUSIVE
    assert "KeyError" in found.observed
    assert "Ann" not in repr(found)


def test_whose_fault() -> None:
    sandbox = explain(SandboxError("sandbox.oom", "out of memory"), "")
    assert (sandbox.id, sandbox.room) == ("sandbox.oom", Room.SANDBOX)
    assert explain(Incomparable("no"), "").id == "validate.check_broken"
    lost = explain(psycopg.OperationalError("server closed the connection: Ann"), "")
    assert lost.id == "validate.connection_lost"
    assert "Ann" not in repr(lost)
    damaged = explain(psycopg.errors.DataCorrupted("x"), "")
    assert (damaged.id, damaged.verdict) == ("validate.data_corrupted", Verdict.FAILED)
    full = explain(psycopg.errors.DiskFull("x"), "")
    assert (full.id, full.verdict) == ("validate.connection_lost", Verdict.INCONCLUSIVE)
