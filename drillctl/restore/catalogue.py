"""Every backup engine by the word that a drill uses for it. A new engine is one line here."""

from __future__ import annotations

from drillctl.restore.contract import Engine
from drillctl.restore.engines.pg_dump.engine import PgDump

ENGINES: dict[str, Engine] = {engine.name: engine for engine in (PgDump(),)}
