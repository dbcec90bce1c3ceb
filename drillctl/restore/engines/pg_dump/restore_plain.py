"""A plain dump's restore."""

from __future__ import annotations

from drillctl.clock import Deadline
from drillctl.restore.contract import Restored, Tell
from drillctl.restore.engines.pg_dump.look import Look
from drillctl.restore.engines.pg_dump.options import Options
from drillctl.sandbox.contract import Sandbox


def bring_back_plain(
    seen: Look, options: Options, sandbox: Sandbox, *, deadline: Deadline, tell: Tell
) -> Restored:
    raise NotImplementedError
