"""A plain dump's restore as a page of steps: roles, the script, what must be there after."""

from __future__ import annotations

from collections.abc import Iterator

from drillctl.clock import Deadline
from drillctl.errors import RecoveryFailed
from drillctl.evidence.facts import Finding
from drillctl.evidence.verdict import Verdict
from drillctl.restore.contract import Restored, Tell
from drillctl.restore.engines.pg_dump import not_tested, outcome, present, roles, server, stream
from drillctl.restore.engines.pg_dump.archive import Entry
from drillctl.restore.engines.pg_dump.checksum import Summing
from drillctl.restore.engines.pg_dump.companions import find_globals, globals_lines
from drillctl.restore.engines.pg_dump.database import create_database
from drillctl.restore.engines.pg_dump.look import Look, encoding_of
from drillctl.restore.engines.pg_dump.notes import several_databases
from drillctl.restore.engines.pg_dump.options import Options
from drillctl.restore.engines.pg_dump.run_plain import PlainRun, restore_plain
from drillctl.restore.engines.pg_dump.sums import sum_findings
from drillctl.sandbox.contract import Sandbox


def bring_back_plain(
    seen: Look, options: Options, sandbox: Sandbox, *, deadline: Deadline, tell: Tell
) -> Restored:
    summing = Summing(seen.path)
    try:
        tell("making the roles and the database that the dump needs")
        companion = restore_companion(seen, options, sandbox)
        target = make_database(seen, options, sandbox)
        done = restore_plain(seen, target, sandbox, deadline, tell)
        database = chosen_database(done, target, options, seen)
        tell("asking for every object that the dump lists")
        entries = done.scan.entries.get(database if seen.makes_database else "", [])
        found, structure = verify(done, entries, database, sandbox)
        sums = summing.result(deadline.remaining())
    finally:
        summing.give_up()
    have_globals = companion is not None or seen.shape.form == "cluster"
    refused = (*(companion.failed if companion else ()), *done.provider.refused)
    people = outcome.role_findings(
        sorted(done.provider.missing_roles),
        refused,
        have_globals=have_globals,
        create=options.missing_roles == "create",
    )
    whole = stream.has_checksum(seen.path, seen.shape.wrapping)
    return Restored(
        database=database,
        findings=(
            *people,
            *_others(done, database, options),
            *outcome.data_findings(
                present.without_rows(entries),
                options.without_data,
                present.holds_no_rows(entries),
            ),
            *done.findings,
            *found,
            *sum_findings(sums),
        ),
        not_tested=(
            *done.provider.not_tested,
            *not_tested.of_roles(sorted(done.provider.missing_roles), have_globals=have_globals),
            *not_tested.of_plain(seen.shape, whole, sums),
            *not_tested.of_spaces(done.provider.tablespaces),
        ),
        expected_structure=structure,
        sha256=sums.sha256 if sums else "",
    )


def restore_companion(seen: Look, options: Options, sandbox: Sandbox) -> roles.GlobalsRun | None:
    """Roles of a globals file beside the dump. None when there is none."""
    path = find_globals(seen.path, options.globals)
    if path is None or (seen.shape.form == "cluster" and options.globals is None):
        return None
    with server.session(sandbox.endpoint) as connection:
        return roles.restore_globals(connection, globals_lines(path), sandbox.endpoint.user)


def make_database(seen: Look, options: Options, sandbox: Sandbox) -> str:
    """Where psql begins: a database of its own, or the server's when the dump makes one."""
    if seen.makes_database:
        return server.MAINTENANCE
    with server.session(sandbox.endpoint) as connection:
        clauses = f"template = template0 encoding = '{encoding_of(seen)}' locale = 'C.UTF-8'"
        return create_database(connection, options.database or "restored", clauses).name


def chosen_database(done: PlainRun, target: str, options: Options, seen: Look) -> str:
    """The database to check. Raises RecoveryFailed when the wanted one is not in the dump."""
    if not seen.makes_database:
        return target
    found = [name for name in done.scan.entries if name]
    if options.database:
        if options.database not in found:
            raise RecoveryFailed(
                "restore.wrong_database",
                "the dump does not hold the database that the drill names",
                expected=options.database,
                observed=", ".join(found) or "none",
                hint="check `restore.database` and what the dump job is told to dump",
            )
        return options.database
    ours = [name for name in found if name not in server.OWN] or found
    if not ours:
        raise RecoveryFailed(
            "restore.no_database", "the dump holds no database with anything in it"
        )
    return max(ours, key=lambda name: len(done.scan.entries[name]))


def verify(
    done: PlainRun, entries: list[Entry], database: str, sandbox: Sandbox
) -> tuple[tuple[Finding, ...], present.Structure]:
    """What is absent, and what must be there, by the server's own names."""
    key = database if database in done.scan.entries else ""
    with server.session(sandbox.endpoint, database) as connection:
        present.still_event_triggers(connection)
        structure = present.as_there(connection, present.structure_of(entries))
        absent = present.absent(
            connection,
            structure,
            done.scan.large_objects.get(key, 0),
        )
    findings = outcome.absent_findings(absent)
    if not done.scan.inserts:
        return findings, structure
    # Text that looks like pg_dump's own comments may stand in a literal of an INSERT.
    doubt = {"verdict": Verdict.INCONCLUSIVE}
    doubted = tuple(
        finding.model_copy(update=doubt) if finding.id == "restore.object_missing" else finding
        for finding in findings
    )
    return doubted, structure


def _others(done: PlainRun, database: str, options: Options) -> Iterator[Finding]:
    """What of the drill's wishes a plain dump leaves open."""
    names = sorted(name for name in done.scan.entries if name and name not in server.OWN)
    if len(names) > 1 and options.database is None:
        yield several_databases(names, database)
    if options.database and not any(done.scan.entries):
        yield outcome.failed(
            "database_unknown",
            "a plain dump does not say of which database it is",
            expected=options.database,
            hint="take it with pg_dump --create or as a custom archive, or leave the key out",
            verdict=Verdict.INCONCLUSIVE,
        )
