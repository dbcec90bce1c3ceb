"""The plan of a restore, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from drillctl.restore.contract import Step
from drillctl.restore.engines.pg_dump.companions import find_globals
from drillctl.restore.engines.pg_dump.look import Look
from drillctl.restore.engines.pg_dump.options import Options
from drillctl.restore.engines.pg_dump.run_archive import LEFT_OUT


def steps_for(seen: Look, options: Options, jobs: int) -> Sequence[Step]:
    return tuple(_steps(seen, options, options.jobs or jobs))


def _steps(seen: Look, options: Options, jobs: int) -> Iterator[Step]:
    companion = find_globals(seen.path, options.globals)
    if companion is not None:
        yield Step(title="restore the roles", detail=f"from {companion.name}, without passwords")
    yield Step(
        title="make the roles that are missing",
        detail="stand-ins that cannot log in"
        if options.missing_roles == "create"
        else "stand-ins, and fail the drill",
    )
    if seen.shape.is_archive:
        yield from _archive_steps(seen, jobs)
    else:
        yield from _plain_steps(seen)
    yield Step(
        title="ask for every object that the dump lists",
        detail="tables, indexes, constraints, triggers, large objects; event triggers off",
    )


def _archive_steps(seen: Look, jobs: int) -> Iterator[Step]:
    yield Step(
        title=f"create database {seen.database}",
        detail="with the archive's encoding and locale, or the nearest, which is said",
    )
    workers = f", {jobs} workers" if jobs > 1 and not _is_serial(seen) else ""
    source = f"{seen.shape.wrapping} unpacked into standard input" if seen.shape.wrapping else "read in place"  # fmt: skip # noqa: E501
    yield Step(
        title=f"pg_restore the {seen.shape.form} archive",
        detail=f"{source}{workers}, {' '.join(LEFT_OUT)}; every printed error counts",
    )


def _is_serial(seen: Look) -> bool:
    return seen.shape.form == "tar" or bool(seen.shape.wrapping)


def _plain_steps(seen: Look) -> Iterator[Step]:
    if not seen.makes_database:
        yield Step(title="create a database", detail="with the dump's encoding")
    yield Step(
        title=f"psql the {seen.shape} dump",
        detail="unpacked and streamed; every error counts, and the end marker must come",
    )
