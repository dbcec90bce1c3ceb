"""What the keeper is to keep: a file in the lab's folder, without any secret."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from drillctl.definition.environment import Environment
from drillctl.evidence.facts import Fact
from drillctl.evidence.runs import write_atomically
from drillctl.sandbox.contract import Mount, Order

PLAN = "plan.json"
LEDGER = "ledger.tsv"
BACKUPS = "backups"
EFFECTS = "effects.jsonl"
LOG = "keeper.log"
_MIB = 1 << 20
_ATTENDED = timedelta(hours=6)
_DETACHED = timedelta(days=30)


class KeeperPlan(Fact):
    """`attended` says that the lab must not outlive whoever holds the keeper's standard input.
    `every` is in seconds."""

    run_id: str
    provider: str
    image: str | None
    attended: bool
    major: int | None
    rate: float
    clients: int
    seed: int
    accounts: int
    currencies: tuple[str, ...]
    form: str
    every: float
    keep: int

    def order(self, folder: Path) -> Order:
        """The primary's sandbox. Only a dump in the directory format is written from inside."""
        backups = (Mount(host=folder / BACKUPS, writable=True),) if self.form == "directory" else ()
        return Order(
            run_id=self.run_id,
            role="primary",
            major=self.major,
            newer_ok=self.major is None,
            image=self.image,
            cpus=1,
            memory=512 * _MIB,
            timeout=_ATTENDED if self.attended else _DETACHED,
            disk_needed=256 * _MIB + self.accounts * 4096,
            mounts=backups,
        )


def plan_for(
    environment: Environment, *, run_id: str, provider: str, image: str | None, attended: bool
) -> KeeperPlan:
    """Raises ValueError when `environment` is not a lab."""
    traffic, backups = environment.traffic, environment.backups
    if environment.kind != "lab" or traffic is None or backups is None:
        raise ValueError(f"{environment.name} is not a lab")
    return KeeperPlan(
        run_id=run_id,
        provider=provider,
        image=image,
        attended=attended,
        major=environment.postgres_major,
        rate=traffic.rate,
        clients=traffic.clients,
        seed=traffic.seed,
        accounts=traffic.accounts,
        currencies=traffic.currencies,
        form=backups.format,
        every=backups.every.total_seconds(),
        keep=backups.keep,
    )


def write_plan(folder: Path, plan: KeeperPlan) -> None:
    write_atomically(folder / PLAN, plan.model_dump_json(indent=2) + "\n")


def read_plan(folder: Path) -> KeeperPlan:
    return KeeperPlan.model_validate_json((folder / PLAN).read_bytes())
