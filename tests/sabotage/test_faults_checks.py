"""Faults while checks look: cancelled, blinded by row policies, or faced with hostile names."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.commandline import Ran
from tests.sabotage.ground import Ground, finding, first, ground
from tests.sabotage.sources import take_dumps

__all__ = ["ground"]
pytestmark = [pytest.mark.postgres, pytest.mark.slow]

# A policy for everybody, the owner too: whoever is not past it sees 10 of 1000 rows.
_POLICY = """create role tenant; create table account (id int primary key, tenant int);
alter table account owner to tenant;
insert into account select n, n % 100 from generate_series(1, 1000) n;
alter table account enable row level security; alter table account force row level security;
create policy own on account using (tenant = 7);"""

LONGEST = "ö" * 31 + "x"
HOSTILE = (
    'semi"; drop table x; --',
    "per%cent %s %n {0} {name}",
    "new\nline",
    "esc\x1b[31mred\x1b]0;title\x07",
    "tab\there 'quote' \\back",
    "\u202eright to left",
    "<script>alert(1)</script> & ]]>",
    LONGEST,
)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _hostile_sql() -> str:
    parts = []
    for number, name in enumerate(HOSTILE):
        q = quoted(name)
        parts.append(
            f"create table {q} ({q} int primary key, up int references {q});"
            f"insert into {q} values (1, null), (2, 1);"
            f"create index {quoted(name[:25] + ' by')} on {q} (up);"
            f"create sequence {quoted(name[:25] + ' seq')} owned by {q}.up;"
            f"select setval('{quoted(name[:25] + ' seq').replace(chr(39), chr(39) * 2)}', 9);"
            f"create view {quoted(f'v{number} ' + name[:20])} as select * from {q};"
        )
    return "".join(parts)


@pytest.fixture(scope="module")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    recipes = {
        "policy.dump": _POLICY,
        "hostile.dump": _hostile_sql(),
        "hostile.sql": _hostile_sql(),
    }
    return take_dumps(tmp_path_factory.mktemp("dumps"), recipes)


def test_a_check_that_does_not_end(dumps: dict[str, Path], ground: Ground) -> None:
    def sleeping(name: str) -> str:
        sql = "select pg_sleep(60)::text = ''"
        return f'query: {{name: {name}, sql: "{sql}", expect: true, deadline: 1s}}'

    drill = ground.drill(dumps["policy.dump"], "row_counts: {min_total: 1}", sleeping("sleeps"))
    ran = ground.run(drill)
    assert ran.exit_code == 3, (ran.stderr, ran.finding_ids)
    told = finding(ran, "validate.timed_out")
    assert "sleeps" in told["title"]
    assert "deadline" in told["hint"]
    verdicts = {check["name"]: check["verdict"] for check in ran.record["checks"]}
    assert verdicts.pop("sleeps") == "inconclusive"
    assert set(verdicts.values()) == {"passed"}, "one check's trouble is not the others'"
    assert ran.record["statuses"]["validate"] == "inconclusive"
    assert ran.record["rto"]["actual_seconds"] is None


def test_row_policies_hide_nothing_from_checks(dumps: dict[str, Path], ground: Ground) -> None:
    count = 'query: {name: counted, sql: "select count(*) from account", expect: {value: %s}}'
    good = ground.drill(
        dumps["policy.dump"], "row_counts: {tables: {account: 1000}}", count % "1000"
    )
    ran = ground.run(good)
    assert ran.exit_code == 0, (ran.stderr, ran.record["findings"])
    # Were 10 seen, the first drill would fail and this one pass.
    bad = ground.drill(dumps["policy.dump"], "row_counts: {tables: {account: 10}}", count % "10")
    ran = ground.run(bad)
    assert ran.exit_code == 1
    assert {check["verdict"] for check in ran.record["checks"]} == {"failed"}


# A drill file may not hold them: that is a definition error of its own.
SAYABLE = tuple(name for name in HOSTILE if not re.search(r"[\x1b\u202e]", name))


@pytest.mark.parametrize("dump", first(1, "hostile.sql", "hostile.dump"))
def test_hostile_names(dump: str, dumps: dict[str, Path], ground: Ground) -> None:
    query = f"select count(*) from {quoted(HOSTILE[0])}, {quoted(HOSTILE[2])}"
    sound = (
        "row_counts: " + json.dumps({"tables": {f"public.{quoted(n)}": 2 for n in SAYABLE}}),
        "query: " + json.dumps({"name": "100 %s {}", "sql": query, "expect": {"value": 4}}),
        "structure: {reference: archive}",
        "foreign_keys",
        "sequences",
    )
    ran = ground.run(ground.drill(dumps[dump], *sound))
    assert ran.exit_code == 0, (ran.stderr, ran.stdout)
    assert_nothing_hostile(ran, ground)


def test_hostile_names_in_findings(dumps: dict[str, Path], ground: Ground) -> None:
    wrong = {f"public.{quoted(name)}": 3 for name in SAYABLE}
    drill = ground.drill(dumps["hostile.dump"], "row_counts: " + json.dumps({"tables": wrong}))
    ran = ground.run(drill)
    assert ran.exit_code == 1, ran.stderr
    assert len(ran.record["findings"]) == len(SAYABLE)
    assert LONGEST in ran.stdout + (ran.folder / "debrief.md").read_text(), "63 bytes, told whole"
    assert_nothing_hostile(ran, ground)


def test_hostile_names_in_what_a_restore_refuses(dumps: dict[str, Path], ground: Ground) -> None:
    broken = ground.folder / "broken.sql"
    broken.write_text(dumps["hostile.sql"].read_text().replace("\n2\t1\n", "\n2\t7\n"))
    ran = ground.run(ground.drill(broken, "foreign_keys"))
    assert ran.exit_code == 1, ran.stderr
    assert f"{len(HOSTILE)} statements" in finding(ran, "restore.statement_failed")["title"]
    assert_nothing_hostile(ran, ground)


def assert_nothing_hostile(ran: Ran, ground: Ground) -> None:
    """No control or direction character on a terminal or in a debrief, and no markup but ours."""
    names = ("debrief.html", "debrief.md", "junit.xml")
    for text in (ran.stdout, ran.stderr, *((ran.folder / name).read_text() for name in names)):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert "<script>alert(1)" not in (ran.folder / "debrief.html").read_text()
    ET.fromstring((ran.folder / "junit.xml").read_text())
    annotated = ground.call("debrief", str(ran.folder), "--format", "annotations")
    assert annotated.returncode == 0, annotated.stderr
    assert all(line.startswith("::") for line in annotated.stdout.splitlines())
