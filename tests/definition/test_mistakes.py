"""Every mistake of a drill file is found, at its place, in words that help; and all at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from drillctl.definition.source import position_of
from drillctl.errors import Problem

Problems = Callable[..., tuple[Problem, ...]]


class Wrong(NamedTuple):
    """`old` of the right drill is replaced by `new`, in which `^` is where the problem is.

    `at` is text of the drill at which the problem is, when that is elsewhere.
    """

    old: str
    new: str
    message: str
    expected: str = ""
    hint: str = ""
    at: str = ""


KEYS = (
    Wrong(
        "tier: 1", "^teir: 1", "`teir` is not a key of the drill", "name, service, tier", "`tier`"
    ),
    Wrong(
        "rto: 15m", "rto: 1m, ^rot: 15m", "`rot` is not a key of `objectives`", "rto, rpo", "`rto`"
    ),
    Wrong("rto: 15m, ", "", "`objectives` lacks `rto`", "back in service", at="objectives"),
    Wrong("name: ledger-restore\n", "", "the drill lacks `name`", "1 to 63", at="service"),
    Wrong("memory:", "^memry:", "`memry` is not a key of `sandbox`", "cpus, memory", "`memory`"),
    Wrong("  database:", "  ^databse:", "not a key of `restore`", "engine, from", "`database`"),
    Wrong("name: fresh", "^tabel: b", "not a key of `freshness`", "deadline, table", "`table`"),
    Wrong("{min: 1,", "{^mn: 1,", "`mn` is not a key of `tables.entries`", "min, max", "`min`"),
    Wrong("sql: select 1, ", "", "`query` lacks `sql`", "what to ask", at="query: {exp"),
    Wrong(
        "tier: 1", "^cutover: {}", "`cutover` is not available in drillctl 0.1", "", "take it out"
    ),
    Wrong("tier: 1", "^drift: {}", "`drift` is not available in drillctl 0.1"),
    Wrong("tier: 1", "^comms: {}", "`comms` is not available in drillctl 0.1"),
    Wrong("  select: latest", "  ^from: b", "`from` is written twice: first in line 11"),
)
VALUES = (
    Wrong("name: ledger-restore", "name: ^Big Name", "`name` is 'Big Name'", "a-z, 0-9 and `-`"),
    Wrong("name: ledger-restore", "name: ^" + "a" * 64, "`name` is 'aaa", "1 to 63"),
    Wrong("tier: 1", "tier: ^5", "`tier` is 5", "less than or equal to 4"),
    Wrong("tier: 1", "tier: ^0", "`tier` is 0", "greater than or equal to 1"),
    Wrong("tier: 1", "tier: ^one", "`tier` is 'one'", "a whole number"),
    Wrong("tier: 1", "tier: ^'1'", "`tier` is '1'", "a whole number"),
    Wrong("tier: 1", "tier: ^true", "`tier` is true", "a whole number"),
    Wrong("owner: payments-platform", "owner: ^0700", "`owner` is 700", "text", '"0700"'),
    Wrong("owner: payments-platform", "owner: ^[a]", "`owner` is a list", "text"),
    Wrong("service: ledger", "service: ^''", "`service`: this is empty"),
    Wrong("service: ledger", "service: ^' '", "`service`: this is empty"),
    Wrong("rto: 15m", "rto: ^15", "15 is not a duration: write it as 90s, 15m, 1h30m or 2d"),
    Wrong("rto: 15m", "rto: ^15:00", "'15:00' is not a duration"),
    Wrong("rto: 15m", "rto: ^0s", "longer than 0s"),
    Wrong("memory: 4GiB", "memory: ^4", "4 has no unit: write it as 512MiB or 4GiB"),
    Wrong("memory: 4GiB", "memory: ^4KiB", "at least 32 MiB"),
    Wrong("cpus: 2", "cpus: ^0", "`sandbox.cpus` is 0", "greater than 0"),
    Wrong("provider: docker", "provider: ^dokcer", "'dokcer'", "auto, docker, process", "`docker`"),
    Wrong("docker, image", "process, ^image", "`image` means nothing", "", "take it out"),
    Wrong('"0 3 * * SUN"', "^0 3 * *", "five fields"),
    Wrong('"0 3 * * SUN"', "^0 24 * * *", "the hour '24'", "", ""),
)
RESTORE = (
    Wrong("engine: pg_dump", "engine: ^pg_dmp", "'pg_dmp' is not a backup", "pg_dump", "`pg_dump`"),
    Wrong("engine: pg_dump", "engine: ^barman", "`barman` is not available in drillctl 0.1"),
    Wrong("from: ../backups", "from: ^s3://b/c", "`s3://` is not available", "a path"),
    Wrong("from: ../backups", "from: ^~nobody-here/x", "names no user"),
    Wrong("latest, value: null", "^immediate", "pg_dump cannot stop at `immediate`", "latest"),
    Wrong("latest, value: null", "time, value: 5", "does not fit `stop: time`", at="recovery"),
    Wrong("latest, value: null", "latest, value: 5", "takes no `value`", at="recovery"),
    Wrong("latest, value: null", "lsn", "lacks `value`: 16/B374D848", at="recovery"),
    Wrong("latest, value: null", "^lates", "is 'lates'", "immediate", "`latest`"),
    Wrong("environment: lab", "environment: ^labb", "no environment 'labb'", "lab", "`lab`"),
    Wrong("environment: lab", "environment: ^../lab", "not the name of an environment"),
    Wrong("environment: lab", "environment: ^lab.yaml", "no environment file"),
    Wrong("environment: lab", "environment: ^~nobody/lab.yaml", "no environment file"),
    Wrong("environment: lab", f"environment: ^{'a' * 190}/..yaml", "no environment file"),
)
CHECKS = (
    Wrong("- foreign_keys", "- ^foreign_kyes", "is not a check", "foreign_keys", "`foreign_keys`"),
    Wrong("- foreign_keys", "- ^seal: {file: a}", "`seal` is not available in drillctl 0.1"),
    Wrong("- foreign_keys", "- ^ledger: {}", "`ledger` is not available in drillctl 0.1"),
    Wrong("- foreign_keys", "- ^row_counts", "`row_counts`: there is nothing to compare with"),
    Wrong("- foreign_keys", "- ^row_counts: {}", "`row_counts`: there is nothing to compare with"),
    Wrong("- foreign_keys", "- ^named", "`named` lacks `name`", "a name of its own"),
    Wrong("- foreign_keys", "- foreign_keys: ^5", "`foreign_keys` is 5"),
    Wrong("- foreign_keys", "- foreign_keys: {^a: 5}", "not a key of", "one of name, deadline"),
    Wrong("- foreign_keys", "- ^{named: , freshness: }", "one item names one check"),
    Wrong("- foreign_keys", "- ^foreign_keys:\n    deadline: 1m", "names one check", "", "indent"),
    Wrong("- foreign_keys", "- ^5", "this check is 5", "such as"),
    Wrong("- foreign_keys", "- ^{}", "this check is a mapping", "such as"),
    Wrong("- foreign_keys", "-^", "this check is empty", "such as"),
    Wrong("- named: {name: own}", "- ^named: {name: fresh}", "two checks are called 'fresh'"),
    Wrong("deadline: 20s", "deadline: ^20", "20 is not a duration"),
    Wrong("accounts: 20000", "accounts: ^many", "none of the forms", "number or {min, max}"),
    Wrong("{min: 1,", "{min: ^one,", "`entries.min` is 'one'", "a whole number"),
    Wrong("expect: empty", "expect: ^emty", "none of the forms", "`empty` or {value}", "`empty`"),
    Wrong("{value: 1}", "^{valeu: 1}", "none of the forms", "{value} or {range}", "`value`"),
    Wrong("range: [1, 3]", "range: ^[1]", "`expect.range` has 1 of the values", "2 values"),
    Wrong("expect: empty", "expect: {rows: {^mn: 1}}", "not a key of", "min, max", "`min`"),
    Wrong("expect: empty", "expect: {rows: ^x}", "none of the forms", "number or {min, max}"),
    Wrong("expect: empty", "expect: {rows: ^[]}", "none of the forms", "number or {min, max}"),
    Wrong("range: [1, 3]", "range: [1, ^x]", "`expect.range` is 'x'", "a whole number"),
)
MISTAKES = (*KEYS, *VALUES, *RESTORE, *CHECKS)


def spoiled(right: str, wrong: Wrong) -> tuple[str, int, int]:
    """The text with the mistake in it, and the line and column of it."""
    assert wrong.old in right
    text = right.replace(wrong.old, wrong.new, 1)
    offset = text.index(wrong.at) if wrong.at else text.index("^")
    line, column = position_of(text, offset)
    return text.replace("^", "", 1), line, column


@pytest.mark.parametrize("wrong", MISTAKES, ids=lambda wrong: str(wrong.new[:40].strip()))
def test_a_mistake_is_found_at_its_place(wrong: Wrong, problems: Problems, right: str) -> None:
    text, line, column = spoiled(right, wrong)
    found = problems(text)
    said = "\n".join(map(str, found))
    assert len(found) == 1, said
    assert (found[0].line, found[0].column) == (line, column), said
    assert wrong.message in found[0].message, said
    assert wrong.expected in found[0].expected, said
    assert wrong.hint in found[0].hint, said


def test_all_mistakes_are_said_at_once_in_the_order_of_the_file(
    problems: Problems, right: str
) -> None:
    wrong = right
    for old, new in (
        ("tier: 1", "teir: 1"),
        ("rto: 15m", "rto: 15"),
        ("environment: lab", "environment: labb"),
        ("0 3 * *", "0 3 * x"),
        ("engine: pg_dump", "engine: pg_dmp"),
        ("cpus: 2", "cpus: two"),
        ("- foreign_keys", "- foreign_kyes"),
        ("max_age: 5m", "max_age: 5"),
        ("expect: empty", "expect: emty"),
    ):
        wrong = wrong.replace(old, new, 1)
    assert [problem.line for problem in problems(wrong)] == [3, 6, 7, 8, 10, 16, 18, 19, 24]


def test_messages_are_lowercase_and_without_a_full_stop(problems: Problems, right: str) -> None:
    for wrong in MISTAKES:
        for problem in problems(spoiled(right, wrong)[0]):
            for part in (problem.message, problem.expected, problem.hint):
                assert part[:1] == part[:1].lower() or part.startswith("Postgres")
                assert not part.endswith(".") or part.endswith("...")
                assert "\n" not in part


@pytest.mark.parametrize("text", ["- a\n", "drill\n", "5\n", "~\n", "[]\n"])
def test_a_file_that_is_no_mapping(text: str, problems: Problems) -> None:
    (problem,) = problems(text)
    assert (problem.line, problem.column) == (1, 1)
    assert problem.expected == "the keys of a drill"


def test_an_environment_is_not_a_drill(problems: Problems) -> None:
    found = problems("name: lab\nkind: lab\n")
    assert "this looks like an environment, not a drill" in [problem.message for problem in found]


@pytest.mark.parametrize("written", ["", "validate:\n", "validate: []\n"])
def test_a_drill_that_checks_nothing_is_refused(written: str, problems: Problems) -> None:
    text = "name: a\nobjectives: {rto: 1m}\nrestore: {engine: pg_dump, from: x}\n"
    (problem,) = problems(text + written)
    assert "checks nothing" in problem.message
    assert problem.line == (4 if written else 1)


def test_values_are_shown_short(problems: Problems, right: str) -> None:
    (problem,) = problems(right.replace("tier: 1", f"{'k' * 5000}: 1", 1))
    assert len(problem.message) < 700
