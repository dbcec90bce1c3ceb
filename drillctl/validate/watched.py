"""Sessions that another thread can cancel, or cut where the server answers nothing any more."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import psycopg
from psycopg import errors

from drillctl.clock import Deadline
from drillctl.validate.contract import Connection, Database

CANCEL_SECONDS = 2.0


class Watched:
    """A Database that remembers its open sessions; every statement ends at the deadline."""

    def __init__(self, database: Database, deadline: Deadline) -> None:
        self._database = database
        self._deadline = deadline
        self._open: list[Connection] = []
        self._ended = False
        self._lock = threading.Lock()

    def session(
        self, settings: Mapping[str, str] | None = None
    ) -> AbstractContextManager[Connection]:
        return self._session(dict(settings or {}))

    @contextmanager
    def _session(self, settings: dict[str, str]) -> Iterator[Connection]:
        # At least a millisecond: 0 would mean no limit at all.
        limit = max(1, int(self._deadline.remaining() * 1000))
        with self._database.session({"statement_timeout": f"{limit}ms"} | settings) as connection:
            with self._lock:
                if self._ended:
                    raise errors.QueryCanceled("no more sessions")
                self._open.append(connection)
            try:
                yield connection
            finally:
                with self._lock:
                    self._open.remove(connection)

    def cancel(self) -> None:
        """Ask the server to end what runs. Never raises."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(psycopg.Error):
                    connection.cancel_safe(timeout=CANCEL_SECONDS)

    def end(self) -> None:
        """Cancel what runs, and let no new session begin."""
        with self._lock:
            self._ended = True
        self.cancel()

    def sever(self) -> None:
        """Cut the sockets, so that a thread which waits for a frozen server wakes up."""
        with self._lock:
            for connection in self._open:
                with (
                    contextlib.suppress(psycopg.Error, OSError),
                    socket.socket(fileno=os.dup(connection.fileno())) as copy,
                ):
                    copy.shutdown(socket.SHUT_RDWR)
