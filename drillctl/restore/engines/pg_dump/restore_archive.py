"""An archive's restore as a page of steps: what it needs, its rows, what must be there after."""

from __future__ import annotations

from dataclasses import dataclass

from drillctl.clock import Deadline
from drillctl.evidence.facts import Finding
from drillctl.restore.contract import Restored, Tell
from drillctl.restore.engines.pg_dump import not_tested, outcome, present, roles, server
from drillctl.restore.engines.pg_dump.archive import Entry
from drillctl.restore.engines.pg_dump.checksum import Summing
from drillctl.restore.engines.pg_dump.companions import find_globals, globals_lines
from drillctl.restore.engines.pg_dump.database import (
    Made,
    apply_properties,
    clauses_of,
    create_database,
)
from drillctl.restore.engines.pg_dump.look import Look, read_archive
from drillctl.restore.engines.pg_dump.options import Options
from drillctl.restore.engines.pg_dump.provide import require_extensions
from drillctl.restore.engines.pg_dump.run_archive import Job, restore_archive
from drillctl.restore.engines.pg_dump.sums import sum_findings
from drillctl.sandbox.contract import Sandbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What was made for the dump: its database, and what there was to say about its roles."""

    made: Made
    findings: tuple[Finding, ...]
    not_tested: tuple[str, ...]


def bring_back_archive(
    seen: Look, options: Options, sandbox: Sandbox, *, jobs: int, deadline: Deadline, tell: Tell
) -> Restored:
    header, entries = read_archive(seen.path, seen.shape)
    summing = Summing(seen.path)
    try:
        tell("making the roles and the database that the dump needs")
        ground = prepare(seen, entries, options, sandbox)
        job = Job(look=seen, entries=entries, database=ground.made.name, jobs=jobs)
        tell(f"restoring {len(entries)} items")
        errors = restore_archive(job, sandbox, deadline, tell)
        tell("asking for every object that the dump lists")
        found = verify(seen, entries, ground.made.name, sandbox)
        sums = summing.result(deadline.remaining())
    finally:
        summing.give_up()
    rows = outcome.data_findings(
        present.without_rows(entries), options.without_data, present.holds_no_rows(entries)
    )
    return Restored(
        database=ground.made.name,
        findings=(*ground.findings, *rows, *errors, *found, *sum_findings(sums)),
        not_tested=(
            *ground.not_tested,
            *not_tested.of_archive(header, seen.shape, entries, sums),
        ),
        expected_structure=present.structure_of(entries),
        sha256=sums.sha256 if sums else "",
    )


def prepare(seen: Look, entries: tuple[Entry, ...], options: Options, sandbox: Sandbox) -> Ground:
    """Roles and the database. Raises SandboxError when the server lacks an extension."""
    with server.session(sandbox.endpoint) as connection:
        require_extensions(connection, {e.name for e in entries if e.kind == "EXTENSION"}, sandbox)
        path = find_globals(seen.path, options.globals)
        ours = sandbox.endpoint.user
        described = roles.restore_globals(connection, globals_lines(path), ours) if path else None
        missing = roles.roles_of(entries) - roles.existing(connection)
        refused = roles.make_stand_ins(connection, missing)
        made = create_database(connection, seen.database or "restored", clauses_of(entries))
    found = outcome.role_findings(
        sorted(missing),
        (*(described.failed if described else ()), *refused),
        have_globals=described is not None,
        create=options.missing_roles == "create",
    )
    lines = not_tested.of_roles(sorted(missing), have_globals=described is not None)
    return Ground(made=made, findings=found, not_tested=(*made.not_tested, *lines))


def verify(
    seen: Look, entries: tuple[Entry, ...], database: str, sandbox: Sandbox
) -> tuple[Finding, ...]:
    """The database's own settings, then every object, in sessions that run no trigger."""
    refused: tuple[tuple[str, str], ...] = ()
    with server.session(sandbox.endpoint) as connection:
        if database == seen.database:
            refused = apply_properties(connection, entries, seen.database)
    with server.session(sandbox.endpoint, database) as connection:
        present.still_event_triggers(connection)
        absent = present.absent(
            connection, present.structure_of(entries), present.large_objects_of(entries)
        )
    settings = outcome.role_findings((), refused, have_globals=False, create=True)
    return (*settings, *outcome.absent_findings(absent))
