"""A proxy before the Docker engine's socket, to lose the engine on purpose."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from pathlib import Path

ENGINE = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")


class EngineProxy:
    """`address` goes to the real engine until `down` is set; `cut` breaks what is open now."""

    def __init__(self, path: Path) -> None:
        self.address = f"unix://{path}"
        self.down = False
        self._open: list[socket.socket] = []
        self._every: list[socket.socket] = []
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen(32)
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def cut(self) -> None:
        broken, self._open = self._open, []
        for one in broken:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def lose(self) -> None:
        self.down = True
        self.cut()

    def close(self) -> None:
        self.lose()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._accepting.join(timeout=5)
        for one in self._every:
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                if self.down:
                    client.close()
                    continue
                engine = socket.socket(socket.AF_UNIX)
                engine.connect(ENGINE)
                self._open += [client, engine]
                self._every += [client, engine]
                for pair in ((client, engine), (engine, client)):
                    threading.Thread(target=_pump, args=pair, daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(1 << 16):
            target.sendall(chunk)
    # The other direction may go on: the end of an input is not the end of its output.
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
