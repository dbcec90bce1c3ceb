"""pg_restore's errors are told apart, and no row's value gets past."""

from __future__ import annotations

import pytest

from drillctl.restore.engines.pg_dump.complaints import (
    Complaints,
    cause_in_pieces,
    cause_of,
    without_values,
)


def taken(*lines: str) -> Complaints:
    complaints = Complaints({215: "TABLE public.accounts", 7: "TABLE DATA public.t"}, lambda: None)
    for line in lines:
        complaints.take(line)
    return complaints


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("could not uncompress data: incorrect data check", "archive_corrupt"),
        ("could not uncompress data: invalid distance too far back", "archive_corrupt"),
        ("did not find magic string in file header", "archive_corrupt"),
        ("found unexpected block ID (0) when reading data -- expected 3400", "archive_corrupt"),
        ("unrecognized data block type (85) while restoring archive", "archive_corrupt"),
        ("could not read from input file: end of file", "archive_truncated"),
        ("unexpected end of file", "archive_truncated"),
        (
            'could not open input file "/x/3400.dat": No such file or directory',
            "archive_file_missing",
        ),
        ("unsupported version (1.16) in file header", "newer_archive"),
        (
            "cannot restore from compressed archive (this build does not support compression "
            "with zstd)",
            "no_compression",
        ),
        (
            'could not execute query: ERROR:  role "app" does not exist',
            "role_missing",
        ),
        (
            'could not execute query: ERROR:  relation "t" does not exist',
            "statement_failed",
        ),
        (
            'COPY failed for table "t": ERROR:  invalid input syntax for type integer: "x"',
            "statement_failed",
        ),
        (
            "could not execute query: ERROR:  out of memory",
            "statement_failed",
        ),
        (
            "could not execute query: server closed the connection unexpectedly",
            "connection_lost",
        ),
        (
            'could not execute query: ERROR:  extension "postgis" is not available',
            "extension_missing",
        ),
        ("a worker process died unexpectedly", "tool_failed"),
    ],
)
def test_each_error_has_its_cause(text: str, cause: str) -> None:
    assert cause_of(text) == cause


def test_an_error_names_the_object_that_it_is_about() -> None:
    (complaint,) = taken(
        "pg_restore: from TOC entry 215; 1259 16388 TABLE accounts app",
        'pg_restore: error: could not execute query: ERROR:  schema "x" does not exist',
        "Command was: CREATE TABLE x.accounts (id integer);",
    ).kept
    assert complaint.where == "TABLE public.accounts"
    assert 'schema "x" does not exist' in complaint.message


def test_a_parallel_error_names_what_the_workers_had_in_hand() -> None:
    (complaint,) = taken(
        "pg_restore: launching item 7 TABLE DATA t",
        "pg_restore: error: could not uncompress data: incorrect data check",
    ).kept
    assert complaint.where == "TABLE DATA public.t"


def test_no_row_gets_past() -> None:
    complaints = taken(
        'pg_restore: error: COPY failed for table "t": ERROR:  invalid input syntax for type '
        'integer: "secret-1"',
        'CONTEXT:  COPY t, line 3, column id: "secret-2"',
        "DETAIL:  Key (email)=(secret-3) already exists.",
        "Command was: INSERT INTO t VALUES ('secret-4');",
        "pg_restore: error: could not execute query: ERROR:  invalid value 'secret-5'",
    )
    assert complaints.count == 2
    assert "secret" not in repr(complaints.kept)
    assert 'table "t"' in complaints.kept[0].message


def test_names_stay_and_values_go() -> None:
    assert without_values('role "app" does not exist') == 'role "app" does not exist'
    assert without_values('syntax error at or near "alice"') == 'syntax error at or near "…"'


def test_what_is_not_an_error_is_not_counted() -> None:
    complaints = taken(
        'pg_restore: creating TABLE "public.error"',
        'pg_restore: processing data for table "public.t"',
        "pg_restore: warning: errors ignored on restore: 3",
        "NOTICE:  error: nothing",
    )
    assert complaints.count == 0
    assert complaints.warnings == []


def test_lines_that_two_workers_wrote_into_each_other_are_understood() -> None:
    glued = 'pg_restore: creating INDEX "x"pg_restore: error: could not read from input file: end of file'  # noqa: E501
    assert taken(glued).kept[0].cause == "archive_truncated"
    split = (
        "pg_restore: pg_restore: creating error: \ncould not read from input file: end of file\n"
    )
    assert cause_in_pieces(split) == "archive_truncated"
    assert cause_in_pieces('pg_restore: creating TABLE "public.corrupt"\n') == ""


def test_a_flood_is_counted_and_not_kept() -> None:
    complaints = taken(*["pg_restore: error: could not execute query: ERROR:  x"] * 5000)
    assert complaints.count == 5000
    assert len(complaints.kept) == 1000
