"""The providers there are: one line each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from drillctl.sandbox.contract import Provider


def _process() -> Provider:
    from drillctl.sandbox.providers.process import ProcessProvider

    return ProcessProvider()


def _docker() -> Provider:
    from drillctl.sandbox.providers.docker import DockerProvider

    return DockerProvider()


# Imported when asked for: neither the docker SDK nor psycopg is wanted by `drillctl --help`.
PROVIDERS: Final[dict[str, Callable[[], Provider]]] = {"docker": _docker, "process": _process}
