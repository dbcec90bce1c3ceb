"""The process that keeps a lab: `python -m drillctl.lab.keeper --folder F [--detach]`.

SIGTERM   stop traffic, remove the primary, exit 0
SIGUSR1   lose the primary now, under traffic, then remove what is left of it, exit 0

Attended (without --detach), the end of standard input means that whoever started it is gone,
however it went, and counts as SIGTERM.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg

from drillctl.clock import SystemClock
from drillctl.errors import Interrupted, NamedError
from drillctl.evidence.owner import this_process
from drillctl.interrupt import interrupt
from drillctl.lab.keeper_plan import KeeperPlan, read_plan
from drillctl.lab.production import Production
from drillctl.lab.state import LabState, Phase, write_state

_REFRESH_SECONDS = 0.5


class Keeper:
    """One lab from its start to its end, told in `state.json` by this, the main, thread."""

    def __init__(self, folder: Path, plan: KeeperPlan) -> None:
        self._folder = folder
        self._clock = SystemClock()
        self._woken = threading.Event()
        self._stop, self._lose, self._coming_up = False, False, False
        self._state = LabState(
            owner=this_process().as_dict(),
            run_id=plan.run_id,
            phase=Phase.STARTING,
            updated_at=self._clock.now().wall,
        )
        self._production = Production(folder, plan, self._clock)

    def listen(self, *, attended: bool) -> None:
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGUSR1, self._on_lose)
        for ours_to_miss in (signal.SIGINT, signal.SIGHUP):
            # A handler, not SIG_IGN: what we start must not inherit it.
            signal.signal(ours_to_miss, lambda signum, frame: None)
        if attended:
            threading.Thread(target=_watch_starter, name="starter", daemon=True).start()

    def run(self) -> int:
        """The exit code: 0 after an order, 1 after a failure that `state.json` names."""
        self._tell("")
        failure: dict[str, Any] | None = None
        end = Phase.STOPPED
        try:
            self._come_up()
            self._say(Phase.READY, ready_at=self._clock.now().wall, doing="")
            end = self._tend()
        except Interrupted:
            pass
        except NamedError as error:
            failure = {"finding": error.finding, "reason": _sentence(error), "hint": error.hint}
        except psycopg.Error as error:
            failure = {"finding": "lab.database", "reason": f"SQLSTATE {error.sqlstate}"}
        except Exception as error:
            traceback.print_exc()
            failure = {"finding": "lab.keeper_crashed", "reason": type(error).__name__}
        left = self._production.remove()
        if failure is not None:
            self._say(Phase.FAILED, left=left, **failure)
            return 1
        self._say(end, left=left)
        return 0

    def _come_up(self) -> None:
        """The only part that an order to stop interrupts; the rest looks for orders itself."""
        try:
            self._coming_up = True
            if self._stop:
                raise Interrupted("the lab was told to stop before it came up")
            self._production.come_up(self._tell)
        finally:
            self._coming_up = False

    def _tend(self) -> Phase:
        while not (self._stop or self._lose):
            self._woken.wait(_REFRESH_SECONDS)
            if not self._lose:
                self._production.insist_on_health()
                self._say(Phase.READY)
        if not self._lose:
            self._say(Phase.STOPPING)
            return Phase.STOPPED
        self._say(Phase.LOSING)
        moment = self._clock.now()
        self._production.lose(self._linger)
        self._say(Phase.LOSING, disaster_at=moment.wall, disaster_steady=moment.steady)
        return Phase.LOST

    def _linger(self, seconds: float) -> None:
        self._woken.clear()
        self._woken.wait(seconds)

    def _on_stop(self, signum: int, frame: FrameType | None) -> None:
        self._stop = True
        self._woken.set()
        if self._coming_up:
            interrupt("the lab was told to stop while it came up")

    def _on_lose(self, signum: int, frame: FrameType | None) -> None:
        self._lose = True
        self._woken.set()

    def _tell(self, doing: str, **known: str) -> None:
        self._say(Phase.STARTING, doing=doing, **known)

    def _say(self, phase: Phase, **news: Any) -> None:
        self._state = self._state.model_copy(
            update={
                "phase": phase,
                "updated_at": self._clock.now().wall,
                "counts": self._production.counts(),
                "backups": self._production.taken(),
                **news,
            }
        )
        write_state(self._folder, self._state)


def _watch_starter() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _sentence(error: NamedError) -> str:
    return f"{error.message} ({error.observed})" if error.observed else error.message


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="drillctl.lab.keeper")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--detach", action="store_true")
    args = parser.parse_args(argv)
    if args.detach:
        # The starter waits for the parent alone; the child belongs to nobody.
        if os.fork():
            os._exit(0)
        os.setsid()
    keeper = Keeper(args.folder, read_plan(args.folder))
    keeper.listen(attended=not args.detach)
    return keeper.run()


if __name__ == "__main__":
    # Not the interpreter's own exit: it would wait for a client that hangs on a dead server.
    code = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(code)
