"""Evidence that was changed is said to be; no row and no secret is in what a drill says."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.commandline import Ran
from tests.sabotage.ground import Ground, first, ground, said_in
from tests.sabotage.sources import SMALL, take_dumps

__all__ = ["ground"]
pytestmark = [pytest.mark.postgres, pytest.mark.slow]

ROW, SECRET = "m4rk-of-a-row", "m4rk-of-a-secret"
_MARKED = f"""create table account (id int primary key, email text unique, note text);
insert into account select n, n || '{ROW}', '{ROW}' from generate_series(1, 50) n;
create table link (account int references account, note text);
insert into link select n, '{ROW}' from generate_series(1, 50) n;
create table narrow (note text check (length(note) < 40)); insert into narrow values ('{ROW}');
do $$ begin create role keeper login password '{SECRET}';
    exception when duplicate_object then null; end $$; alter table account owner to keeper;
create function boom(text) returns int language plpgsql
    as $$ begin raise exception 'boom of %', $1 using detail = $1; end $$;
comment on table account is 'x';"""


@pytest.fixture(scope="module")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    recipes = {"small.dump": SMALL, "marked.dump": _MARKED, "marked.sql": _MARKED}
    return take_dumps(tmp_path_factory.mktemp("dumps"), recipes)


def _flip(lines: list[str]) -> list[str]:
    at = next(i for i, line in enumerate(lines) if '"check"' in line)
    return [*lines[:at], lines[at].replace('"passed"', '"Passed"', 1), *lines[at + 1 :]]


TAMPERINGS: dict[str, tuple[Callable[[list[str]], list[str]], int | None]] = {
    "a verdict changed": (_flip, None),
    "a line gone": (lambda lines: [*lines[:6], *lines[7:]], 7),
    "two lines swapped": (lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]], 4),
    "a line twice": (lambda lines: [*lines[:5], lines[4], *lines[5:]], 6),
    "a line of another run": (lambda lines: [*lines[:8], lines[2], *lines[9:]], 9),
}


@pytest.fixture(scope="module")
def passed(dumps: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The journal of a drill that passed."""
    folder = tmp_path_factory.mktemp("passed")
    spot = Ground(base=Path("/var/tmp"), folder=folder)
    ran = spot.run(spot.drill(dumps["small.dump"], "row_counts: {min_total: 1}"))
    assert ran.exit_code == 0, ran.stderr
    return (ran.folder / "journal.jsonl").read_text().splitlines()


@pytest.mark.parametrize("how", TAMPERINGS)
def test_altered_evidence_is_named_and_never_passes(
    how: str, passed: list[str], tmp_path: Path
) -> None:
    alter, entry = TAMPERINGS[how]
    spot = Ground(base=tmp_path, folder=tmp_path)
    run_id = json.loads(passed[0])["data"]["run_id"]
    folder = tmp_path / "runs" / run_id
    folder.mkdir(parents=True)
    lines = alter(passed)
    entry = entry or 1 + next(i for i, line in enumerate(lines) if line != passed[i])
    (folder / "journal.jsonl").write_text("\n".join(lines) + "\n")
    listed = spot.call("runs", "--out", str(tmp_path / "runs"))
    assert f"altered after entry {entry - 1}" in listed.stdout, listed.stdout
    assert "passed" not in listed.stdout
    shown = spot.call("debrief", run_id, "--out", str(tmp_path / "runs"))
    assert "PASSED" not in shown.stdout
    record = json.loads((folder / "record.json").read_text())
    assert record["verdict"] != "passed"
    assert record["journal"]["intact"] is False
    assert record["journal"]["entries"] == entry - 1


@contextlib.contextmanager
def watching_argv() -> Iterator[list[bytes]]:
    """Every command line on the machine that held a mark while the block ran."""
    seen: list[bytes] = []
    over = threading.Event()

    def watch() -> None:
        signs = (ROW.encode(), SECRET.encode())
        while not over.is_set():
            for proc in Path("/proc").glob("[0-9]*"):
                if int(proc.name) != os.getpid():
                    with contextlib.suppress(OSError):
                        argv = (proc / "cmdline").read_bytes()
                        if any(sign in argv for sign in signs):
                            seen.append(argv)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def spoiled(dump: Path, folder: Path) -> Path:
    """The plain dump with rows that the server refuses: a double key, a check, a type."""
    text = dump.read_text()
    text = text.replace(f"2\t2{ROW}\t{ROW}\n", f"2\t1{ROW}\t{ROW}\n")  # unique
    text = text.replace(
        f"COPY public.narrow (note) FROM stdin;\n{ROW}",
        f"COPY public.narrow (note) FROM stdin;\n{ROW * 4}",
    )  # check
    text = text.replace(f"50\t{ROW}\n\\.", f"x{ROW}\t{ROW}\n\\.")  # no integer
    path = folder / "spoiled.sql"
    path.write_text(text)
    return path


def checks() -> tuple[str, ...]:
    queries = {
        "fails with a row": ("select boom(note) from account", {"value": 1}),
        "cannot cast": ("select note::int from account", {"value": 1}),
        "finds rows": ("select email, note from account", "empty"),
        "another value": ("select max(note) from account", {"value": "other"}),
        "divides": ("select 1 / (length(note) - length(note)) from account", {"value": 1}),
    }
    return (
        *(
            "query: " + json.dumps({"name": name, "sql": sql, "expect": expect})
            for name, (sql, expect) in queries.items()
        ),
        "row_counts: {tables: {account: 49, nothing: 1}}",
        "foreign_keys",
        "sequences",
        "structure: {reference: archive}",
    )


def spoiled_archive(dump: Path, folder: Path) -> Path:
    """The same in an uncompressed archive, byte for byte as long: pg_restore prints the server's
    DETAIL and CONTEXT, which hold the rows."""
    data = dump.read_bytes()
    for sound, bad in ((f"2\t2{ROW}", f"2\t1{ROW}"), (f"50\t{ROW}", f"x0\t{ROW}")):
        assert sound.encode() in data
        data = data.replace(sound.encode(), bad.encode())
    path = folder / "spoiled.dump"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "which", first(2, "spoiled.dump", "spoiled.sql", "marked.dump", "marked.sql")
)
def test_no_row_and_no_secret_is_let_out(
    which: str, dumps: dict[str, Path], ground: Ground
) -> None:
    path = dumps.get(which, Path())
    if which == "spoiled.sql":
        path = spoiled(dumps["marked.sql"], ground.folder)
    elif which == "spoiled.dump":
        path = spoiled_archive(dumps["marked.dump"], ground.folder)
    (path.parent / "globals.sql").write_text(
        "--\n-- PostgreSQL database cluster dump\n--\n\n"
        f"CREATE ROLE keeper;\nALTER ROLE keeper WITH LOGIN PASSWORD '{SECRET}';\n"
        f"ALTER ROLE nobody_at_all WITH LOGIN PASSWORD '{SECRET}';\n\n"
        "--\n-- PostgreSQL database cluster dump complete\n--\n"
    )
    drill = ground.drill(path, *checks())
    with watching_argv() as seen:
        ran = ground.run(drill)
    (path.parent / "globals.sql").unlink()
    assert ran.exit_code == 1, (ran.stderr, ran.finding_ids)
    verdicts = {check["name"]: check["verdict"] for check in ran.record["checks"]}
    assert len(verdicts) == len(checks()), "every check looked"
    assert verdicts["finds rows"] == "failed"
    assert verdicts["fails with a row"] == "inconclusive"
    if which.startswith("spoiled"):
        assert "restore.statement_failed" in ran.finding_ids
    assert_silent(ran)
    assert seen == []


def test_a_run_is_readable_by_its_owner_alone(dumps: dict[str, Path], ground: Ground) -> None:
    ran = ground.run(ground.drill(dumps["small.dump"], "row_counts: {min_total: 1}"))
    assert ran.folder.stat().st_mode & 0o077 == 0


def assert_silent(ran: Ran) -> None:
    text = said_in(ran)
    for mark in (ROW, SECRET):
        at = text.find(mark)
        assert at < 0, f"{mark} was let out: …{text[max(0, at - 300) : at + 100]}…"
