"""The keeper seen from outside: start it, ask whether it lives, give it an order, end it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from drillctl.clock import Deadline
from drillctl.errors import SandboxError
from drillctl.evidence.owner import Owner, is_alive
from drillctl.interrupt import shielded
from drillctl.lab.keeper_plan import LOG
from drillctl.lab.state import LabState, read_state
from drillctl.sandbox.catalogue import PROVIDERS

_POLL_SECONDS = 0.03
_DOWN_SECONDS = 60.0


class KeeperProcess:
    """`_child` is set when this process started it, holds its standard input, and must reap it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._child: subprocess.Popen[bytes] | None = None

    def start(self, *, detach: bool) -> None:
        """Detached, it belongs to nobody and stays; else it goes away with this process."""
        argv = [sys.executable, "-m", "drillctl.lab.keeper", "--folder", str(self._folder)]
        env = dict(os.environ)
        # That one counts the lines of the drill's journal, not of the keeper's.
        env["DRILLCTL_CRASH_AT"] = env.pop("DRILLCTL_LAB_CRASH_AT", "0")
        with shielded(), (self._folder / LOG).open("ab") as log:
            if detach:
                subprocess.run(
                    [*argv, "--detach"],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=env,
                    start_new_session=True,
                    check=True,
                    timeout=30,
                )
                return
            self._child = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=env,
                start_new_session=True,
            )

    def insist(self, state: LabState | None) -> None:
        """Raises SandboxError `lab.keeper_gone` when it died without a last word."""
        gone = self._child is not None and self._child.poll() is not None
        if state is not None and not gone:
            gone = not is_alive(state.keeper)
        if not gone:
            return
        last = read_state(self._folder)
        if last is not None and last.phase.final:
            return
        raise SandboxError(
            "lab.keeper_gone",
            "the process that keeps the lab is gone",
            hint="look into keeper.log in the lab's folder; `drillctl sweep` removes the primary",
        )

    def order(self, keeper: Owner, signum: signal.Signals) -> None:
        """Never to a process that only has the keeper's number."""
        if is_alive(keeper):
            with contextlib.suppress(ProcessLookupError):
                os.kill(keeper.pid, signum)

    def end(self) -> tuple[str, ...]:
        """Stop it and its primary, by force in the end. What is still there by a look of our own,
        whatever it said itself. Raises SandboxError when the provider could not look."""
        state = read_state(self._folder)
        if self._child is not None:
            _end_child(self._child)
        elif state is not None:
            self._end_by_number(state.keeper)
        state = read_state(self._folder)
        return _look_for(state) if state is not None else ()

    def _end_by_number(self, keeper: Owner) -> None:
        for signum, seconds in ((signal.SIGTERM, _DOWN_SECONDS), (signal.SIGKILL, 10.0)):
            self.order(keeper, signum)
            deadline = Deadline(seconds)
            while is_alive(keeper) and not deadline.passed:
                time.sleep(_POLL_SECONDS)


def _end_child(child: subprocess.Popen[bytes]) -> None:
    if child.stdin is not None:
        child.stdin.close()  # a keeper takes that for SIGTERM, at whatever stage it is
    try:
        child.wait(timeout=_DOWN_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait(timeout=10)


def _look_for(state: LabState) -> tuple[str, ...]:
    keeper = state.keeper
    if is_alive(keeper):
        return (f"keeper process {keeper.pid}",)
    names = (state.provider,) if state.provider in PROVIDERS else tuple(PROVIDERS)
    return tuple(
        f"{found.kind} {found.name}"
        for name in names
        for found in PROVIDERS[name]().sweep(lambda owner: owner == keeper)
        if not found.removed
    )
