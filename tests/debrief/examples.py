"""Example records, each told as a drill tells it: real entries through a real journal, in order."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from drillctl.clock import Moment
from drillctl.evidence.assemble import assemble
from drillctl.evidence.facts import (
    BackupFacts,
    CheckResult,
    Finding,
    IsolationProbe,
    Loss,
    Room,
    SandboxFacts,
    Severity,
    Teardown,
)
from drillctl.evidence.journal import Journal, read_journal
from drillctl.evidence.record import DrillRecord
from drillctl.evidence.verdict import Verdict

BEGAN = datetime(2026, 11, 24, 5, 0, 0, tzinfo=UTC)
DEFINITION = """\
name: ledger-restore
service: ledger
tier: 1                              # 1 = critical
owner: payments-platform
severity: P1
objectives: {rto: 15m, rpo: 5m}
environment: lab
restore:
  engine: pg_dump
  select: latest
sandbox: {provider: auto, image: "postgres:17", cpus: 2, memory: 4GiB, timeout: 30m}
validate:
  - freshness: {table: transfers, column: created_at, max_age: 5m}
  - row_counts: {tables: {accounts: 20000, entries: {min: 100000}}}
  - query: {name: no negative balances, sql: "select id from a where b < 0", expect: empty}
"""
NOT_TESTED = (
    "Failover: nothing was promoted, and no client was moved to the restored server.",
    "Performance under production load: the sandbox has 2 CPUs and 4 GiB.",
    "Roles and grants: the dump holds none (pg_dumpall --globals does).",
)


class ScriptedClock:
    """Both clocks, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> Moment:
        return Moment(wall=BEGAN + timedelta(seconds=self.seconds), steady=1000.0 + self.seconds)


@dataclass
class Teller:
    """Tells a drill: `at(seconds)` moves the clock, the rest journals."""

    journal: Journal
    clock: ScriptedClock

    def at(self, seconds: float) -> Teller:
        self.clock.seconds = seconds
        return self

    def say(self, kind: str, /, **data: Any) -> Teller:
        self.journal.append(kind, **data)
        return self

    def mark(self, name: str) -> Teller:
        self.journal.mark(name)
        return self

    def status(self, **rooms: str) -> Teller:
        for room, status in rooms.items():
            self.say("status", room=room, status=status)
        return self

    def fact(
        self,
        fact: BackupFacts | CheckResult | Finding | Loss | SandboxFacts | Teardown,
    ) -> Teller:
        kinds = {
            BackupFacts: "backup",
            CheckResult: "check",
            Finding: "finding",
            Loss: "loss",
            SandboxFacts: "sandbox",
            Teardown: "teardown",
        }
        return self.say(kinds[type(fact)], **fact.model_dump(mode="json"))

    def check(self, name: str, kind: str, verdict: str, expected: str, observed: str) -> Teller:
        return self.fact(
            CheckResult(
                name=name,
                kind=kind,
                verdict=Verdict(verdict),
                expected=expected,
                observed=observed,
                seconds=0.21,
            )
        )

    def finding(
        self, finding_id: str, severity: str, verdict: str, title: str, **rest: str
    ) -> None:
        self.fact(
            Finding(
                id=finding_id,
                room=Room(finding_id.partition(".")[0]),
                severity=Severity(severity),
                verdict=Verdict(verdict),
                title=title,
                **rest,
            )
        )

    def record(self) -> DrillRecord:
        self.journal.close()
        return assemble(read_journal(self.journal.path))


def begin(
    folder: Path,
    *,
    name: str = "ledger-restore",
    rto: float | None = 900,
    rpo: float | None = 300,
    definition: str = DEFINITION,
    not_tested: tuple[str, ...] = NOT_TESTED,
    listener: Any = None,
) -> Teller:
    """The opening entry, and the clock at zero."""
    clock = ScriptedClock()
    journal = Journal(folder / "journal.jsonl", clock=clock)
    if listener is not None:
        journal.listen(listener)
    teller = Teller(journal=journal, clock=clock)
    return teller.say(
        "run_opened",
        run_id="20261124T050000Z-ledger-restore-9f31c2",
        mode="drill",
        drill={
            "name": name,
            "service": "ledger",
            "tier": 1,
            "owner": "payments-platform",
            "severity": "P1",
            "sha256": "7c1a4f0b6f5f1f1f" * 4,
            "definition": definition,
        },
        objectives={"rto_seconds": rto, "rpo_seconds": rpo},
        environment="lab",
        tool={"version": "0.1.0", "python": "3.11.7", "platform": "linux x86_64"},
        owner={"host": "elsewhere", "boot": "b", "pid": 1, "started": "1"},
        not_tested=list(not_tested),
    )


def backup_facts(**changes: Any) -> BackupFacts:
    return BackupFacts(
        **{
            "engine": "pg_dump",
            "label": "ledger-20261124T050022Z.dump",
            "location": "runs/lab/backups",
            "format": "custom",
            "size_bytes": 48_912_384,
            "consistent_at": BEGAN + timedelta(seconds=21.7),
            "consistent_at_method": "the dump's snapshot, read from the archive",
            "source_database": "ledger",
            "source_version": "17.6",
            "sha256": "be51" * 16,
        }
        | changes
    )


def sandbox_facts(held: bool | None = True) -> SandboxFacts:
    probes = (
        ("no route out", "connect to 192.0.2.1:443: network is unreachable"),
        ("no host services through a gateway", "there is no gateway"),
        ("read-only root", "touch /probe: read-only file system"),
        ("no extra capability", "CapEff holds nothing but what Postgres needs"),
        ("not root", "uid 999"),
        ("backup is read-only", "write to the mount: refused"),
    )
    return SandboxFacts(
        name="drillctl-9f31c2-restore",
        provider="docker",
        image="postgres:17",
        server_version="17.6",
        isolation=tuple(
            IsolationProbe(name=name, held=held if number == 0 else True, detail=detail)
            for number, (name, detail) in enumerate(probes)
        ),
    )


def loss_facts(**changes: Any) -> Loss:
    return Loss(
        **{
            "acknowledged": 4210,
            "survived": 4173,
            "lost": 37,
            "unacked_survived": 1,
            "duplicated": 0,
            "unknown": 0,
            "lost_amounts": {
                "EUR": Decimal("18234.50"),
                "JPY": Decimal("1204500"),
                "USD": Decimal("9911.07"),
            },
            "first_lost_at": BEGAN + timedelta(seconds=21.9),
            "last_survived_at": BEGAN + timedelta(seconds=21.6),
            "last_acknowledged_at": BEGAN + timedelta(seconds=30.1),
            "recovered_rows": 4174,
            "reconciles": True,
        }
        | changes
    )


def lost_production(teller: Teller) -> Teller:
    """The lab came up, lived under traffic, took its backup and was lost; a drill was declared."""
    teller.at(0.1).mark("lab_requested").at(9.4).mark("lab_ready")
    return teller.at(30.2).mark("disaster").at(30.3).mark("declared")


def restored(teller: Teller) -> Teller:
    teller.at(30.6).fact(backup_facts()).mark("backup_chosen")
    teller.say("effect_intended", effect="container", name="drillctl-9f31c2-restore")
    teller.at(33.1).say("effect_done", effect="container", name="drillctl-9f31c2-restore")
    teller.fact(sandbox_facts()).mark("provisioned")
    return teller.at(39.9).mark("restored").status(restore="passed")


def torn_down(teller: Teller, began: float, outcome: str = "finished") -> Teller:
    teller.at(began).mark("teardown_began")
    teller.at(began + 1.3).say("effect_undone", effect="container", name="drillctl-9f31c2-restore")
    teller.fact(Teardown(destroyed=True, detail="looked for 1 container and 2 folders; none left"))
    teller.mark("torn_down").status(cleanup="passed")
    return teller.say("run_closed", outcome=outcome)


def passing_checks(teller: Teller) -> Teller:
    teller.check("freshness of transfers", "freshness", "passed", "newest within 5m", "8.2s old")
    teller.check(
        "row counts",
        "row_counts",
        "passed",
        "accounts 20,000; entries >= 100,000",
        "20,000; 104,312",
    )
    teller.check("no negative balances", "query", "passed", "no row", "no row")
    teller.check("structure", "structure", "passed", "41 objects of the archive", "41 of 41")
    teller.check("foreign keys", "foreign_keys", "passed", "0 orphans", "0 orphans in 7 keys")
    return teller.check("sequences", "sequences", "passed", "ahead of max", "5 of 5 ahead")


def passed(folder: Path) -> DrillRecord:
    """A lab drill that kept both promises, with a few transfers lost and counted."""
    teller = restored(lost_production(begin(folder)))
    passing_checks(teller.at(41.8)).mark("checked").mark("validated").status(validate="passed")
    teller.at(42.6).fact(loss_facts()).mark("loss_measured")
    return torn_down(teller, 42.7).record()


def failed(folder: Path) -> DrillRecord:
    """Restored late, from an old backup, and with damage that two checks saw."""
    teller = lost_production(begin(folder, rto=10, rpo=5))
    restored(teller)
    teller.at(44.0)
    passing_checks(teller)
    teller.check(
        "ledger balances to zero", "query", "failed", "no row", "14 rows (keys: 811, 902, 4410)"
    )
    teller.check("statement of accounts", "query", "inconclusive", "1 row", "canceled after 30s")
    teller.finding(
        "validate.unbalanced_transfers", "critical", "failed",
        "14 transfers do not balance to zero",
        expected="debits equal credits in every transfer",
        observed="14 of 4,174 transfers differ",
        hint="compare these transfers with the source; the damage is older than this backup",
    )  # fmt: skip
    teller.finding(
        "restore.errors_ignored", "major", "failed", "pg_restore reported 3 errors",
        expected="a restore without any error", observed="3 errors, the first: role missing",
        hint="restore the globals too: add `globals:` to the drill",
    )  # fmt: skip
    teller.finding(
        "validate.deadline", "minor", "inconclusive", "a check was stopped at its deadline",
        expected="an answer within 30s", observed="canceled",
        hint="raise `deadline:` of this check, or index the column that it reads",
    )  # fmt: skip
    teller.finding(
        "restore.extension_skipped", "info", "passed", "pg_stat_statements was left out",
        observed="it needs a preload library", hint="nothing to do; no data depends on it",
    )  # fmt: skip
    teller.mark("checked").status(validate="failed")
    teller.at(45.0).fact(loss_facts()).mark("loss_measured")
    return torn_down(teller, 45.1).record()


def interrupted(folder: Path) -> DrillRecord:
    """Ctrl-C before any backup was chosen: nearly everything is unknown."""
    teller = lost_production(begin(folder))
    teller.at(31.0).mark("teardown_began").fact(Teardown(destroyed=None, detail="nothing made"))
    return teller.say("run_closed", outcome="interrupted").record()


def killed(folder: Path) -> DrillRecord:
    """SIGKILL in mid-restore: no teardown, no closing entry."""
    teller = lost_production(begin(folder))
    teller.at(30.6).fact(
        backup_facts(consistent_at=None, consistent_at_method="plain dump without a date")
    )
    teller.mark("backup_chosen").at(33.1).fact(sandbox_facts(held=None)).mark("provisioned")
    teller.at(35.0).say("effect_intended", effect="process", name="pg_restore")
    return teller.record()


def empty(folder: Path) -> DrillRecord:
    """The opening entry alone; no objective, nothing listed."""
    return begin(folder, rto=None, rpo=None, definition="", not_tested=()).record()


def huge(folder: Path) -> DrillRecord:
    """200 checks and 100 findings with very long names."""
    teller = restored(lost_production(begin(folder, rto=7200, rpo=86400)))
    long = "reconcile_every_posting_of_the_general_ledger_against_the_settlement_file_" * 3
    for number in range(200):
        verdict = "failed" if number % 40 == 7 else "inconclusive" if number % 50 == 9 else "passed"
        teller.check(
            f"{number:03} {long}", "query", verdict, "x" * 300, f"{number} " + "words " * 60
        )
    for number in range(100):
        teller.finding(
            f"validate.cause_{number:03}_{long}", list(Severity)[number % 4],
            ("failed", "inconclusive", "passed")[number % 3], f"finding {number} {long}",
            expected="e" * 200, observed="o " * 100, hint="do this " * 30,
        )  # fmt: skip
    teller.at(3999.0).mark("checked").status(validate="failed")
    teller.fact(loss_facts(acknowledged=10**12, lost=10**11, survived=9 * 10**11)).mark(
        "loss_measured"
    )
    return torn_down(teller, 4000.0).record()


HOSTILE = (
    "<script>alert(1)</script>\x1b[31mred\x1b[0m\x1b]8;;http://x.invalid\x07link\x1b]8;;\x07 "
    "\x00\x08</pre>]]> {{7*7}} | a`b``c *d* _e_ [f](http://x.invalid) ![g](http://x.invalid/h.png)"
    " @everyone \u202etxet desrever\u202c \u2066iso\u2069 \u0645\u0631\u062d\u0628\u0627 "
    "\u6570\u636e \U0001f469\u200d\U0001f4bb \xe9 \ud800 \uffff\r\n::error::injected"
    "\n::set-output name=x::y % 100%25 \"quote\" 'single' &amp; \x9b2J \u2028 end"
)


def hostile(folder: Path) -> DrillRecord:
    """Every text that comes from outside tries to be something else."""
    teller = begin(folder, name=HOSTILE, definition=HOSTILE, not_tested=(HOSTILE,))
    lost_production(teller)
    teller.at(30.6).fact(
        backup_facts(label=plain_ascii(), location=HOSTILE.replace("\ud800", ""), sha256="")
    )
    teller.mark("backup_chosen").at(33.1).fact(sandbox_facts(held=False)).mark("provisioned")
    teller.at(39.9).mark("restored")
    text = HOSTILE.replace("\ud800", "")
    teller.check(text, text, "failed", text, text)
    teller.finding(
        "restore.hostile", "major", "failed", text, expected=text, observed=text, hint=text
    )
    teller.status(restore="failed").at(41.0)
    teller.fact(
        loss_facts(lost_amounts={"<b>": Decimal("1"), "E|R": Decimal("2")}, reconciles=False)
    )
    teller.mark("checked")
    return torn_down(teller, 42.0).record()


def plain_ascii() -> str:
    return '"><img src=x onerror=alert(1)>'


EXAMPLES = {
    "passed": passed,
    "failed": failed,
    "interrupted": interrupted,
    "killed": killed,
    "empty": empty,
    "huge": huge,
    "hostile": hostile,
}


@cache
def told(name: str) -> DrillRecord:
    """The example's record, journaled once in a folder that is gone again."""
    with tempfile.TemporaryDirectory() as folder:
        return EXAMPLES[name](Path(folder))
