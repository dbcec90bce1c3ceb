"""What must not be possible from inside a sandbox, as attempts that are really made there.

Each script is run inside by `sh -c`. Exit 0: it got through, the isolation did not hold. Exit 77:
it could not be tried (a tool is missing). Anything else, a timeout too: it held.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drillctl.command import Command, Runner
from drillctl.errors import SandboxError
from drillctl.evidence.facts import IsolationProbe
from drillctl.evidence.owner import this_process
from drillctl.sandbox.contract import IsolationAttempt

NOT_TRIED = 77
_SECONDS = 5.0
_OUTSIDE = ("1.1.1.1", 443)
_ZERO = "0000000000000000"

_CONNECT = """host={host} port={port}
if command -v bash; then exec bash -c ": <>/dev/tcp/$host/$port"
elif command -v python3; then exec python3 -c \
"import socket; socket.create_connection(('$host', $port), 3)"
elif command -v perl; then exec perl -MIO::Socket::INET -e \
'exit !IO::Socket::INET->new(PeerAddr => "'$host'", PeerPort => '$port', Timeout => 3)'
elif command -v nc; then exec nc -z -w 3 $host $port
else exit 77; fi"""

_WRITE = """for folder in {folders}; do
    if ( : > "$folder/.drillctl-probe" ) 2> /dev/null; then
        rm -f "$folder/.drillctl-probe"
        exit 0
    fi
done
exit 1"""

# Every attempt at once, each with a shell of its own; says which number ended with which code.
_EACH = """number=0
for script in "$@"; do
    number=$((number + 1))
    ( sh -c "$script" < /dev/null > /dev/null 2>&1; echo "$number $?" ) &
done
wait"""

ALWAYS = (
    IsolationAttempt(
        name="a route out",
        script="grep -v '^ *Iface' /proc/net/route | grep -q .",
    ),
    IsolationAttempt(
        name="a network interface but loopback",
        script="tail -n +3 /proc/net/dev | grep -qv '^ *lo:'",
    ),
    IsolationAttempt(
        name="connect outside",
        script=_CONNECT.format(host=_OUTSIDE[0], port=_OUTSIDE[1]),
    ),
    IsolationAttempt(
        name="resolve a host name",
        script="command -v getent || exit 77; getent hosts example.com",
    ),
    IsolationAttempt(name="be root", script='[ "$(id -u)" = 0 ]'),
    IsolationAttempt(
        name="hold a capability",
        script=f"grep -E '^Cap(Inh|Prm|Eff|Amb):' /proc/self/status | grep -qv {_ZERO}",
    ),
    IsolationAttempt(
        name="gain privileges",
        script="! grep -Eq '^NoNewPrivs:[[:space:]]*1' /proc/self/status",
    ),
    IsolationAttempt(name="read /root", script="ls -A /root | grep -q ."),
    IsolationAttempt(
        name="read password hashes",
        script="[ -r /etc/shadow ]",
    ),
    IsolationAttempt(
        name="reach a container engine",
        script="for s in /run/docker.sock /var/run/docker.sock /run/podman/podman.sock; do"
        ' [ -w "$s" ] && exit 0; done; exit 1',
    ),
    IsolationAttempt(
        name="write to the system",
        script=_WRITE.format(folders="/ /usr /etc /var /opt /home /root /mnt /run /lib"),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSigns:
    """What is known outside and must not be reached from inside.

    `hidden`: paths that must not be readable. `fixed`: paths that must not be writable.
    """

    hidden: tuple[Path, ...]
    fixed: tuple[str, ...]


def attempts(signs: HostSigns, port: int | None) -> tuple[IsolationAttempt, ...]:
    """The standing attempts and those that need to know this host. `port` is where something
    listens on this host's loopback."""
    owner = this_process()
    found = list(ALWAYS)
    if port is not None:
        script = _CONNECT.format(host="127.0.0.1", port=port)
        found.append(IsolationAttempt(name="connect to this host", script=script))
    if owner.started.isdigit():
        script = f"grep -q ' {owner.started} ' /proc/{owner.pid}/stat"
        found.append(IsolationAttempt(name="see other processes", script=script))
    for path in signs.hidden:
        look = "ls" if path.is_dir() else "cat"
        script = f"{look} {shlex.quote(str(path))} > /dev/null"
        found.append(IsolationAttempt(name=f"read {path}", script=script))
    for inside in signs.fixed:
        # Asked of the kernel, not tried: if it were possible, it would touch a backup.
        found.append(
            IsolationAttempt(name=f"write to {inside}", script=f"[ -w {shlex.quote(inside)} ]")
        )
    return tuple(found)


def try_all(signs: HostSigns, run: Runner) -> tuple[IsolationProbe, ...]:
    """Make every attempt inside, through one call of `run`: entering a sandbox is what costs."""
    with _listener() as port:
        tried = attempts(signs, port)
        scripts = tuple(attempt.script for attempt in tried)
        command = Command(argv=("sh", "-c", _EACH, "sh", *scripts), purpose="try to get out")
        try:
            done = run(command, timeout=_SECONDS)
        except SandboxError as error:
            return tuple(_untried(attempt, error.message) for attempt in tried)
    codes = _codes(done.stdout)
    return tuple(
        _judge(attempt, codes.get(number), done.timed_out)
        for number, attempt in enumerate(tried, start=1)
    )


def _codes(said: str) -> dict[int, int]:
    """Attempt number -> exit code, from lines of two numbers."""
    pairs = (line.split() for line in said.splitlines())
    return {int(pair[0]): int(pair[1]) for pair in pairs if len(pair) == 2}


def _judge(attempt: IsolationAttempt, code: int | None, timed_out: bool) -> IsolationProbe:
    if code is None and timed_out:
        return IsolationProbe(name=attempt.name, held=True, detail=f"nothing within {_SECONDS:g}s")
    if code in (NOT_TRIED, 126, 127, None):
        return _untried(attempt, f"could not be tried inside (exit code {code})")
    if code == 0:
        return IsolationProbe(name=attempt.name, held=False, detail="got through from inside")
    return IsolationProbe(name=attempt.name, held=True, detail="tried from inside, refused")


def _untried(attempt: IsolationAttempt, why: str) -> IsolationProbe:
    return IsolationProbe(name=attempt.name, held=None, detail=why)


@contextlib.contextmanager
def _listener() -> Iterator[int | None]:
    """Something that answers on this host's loopback; None unless it really does from here."""
    with socket.socket() as server:
        try:
            server.bind(("127.0.0.1", 0))
            server.listen(4)
            port = server.getsockname()[1]
            socket.create_connection(("127.0.0.1", port), timeout=2).close()
        except OSError:
            yield None
            return
        yield port


def readable_here(path: Path) -> bool:
    """An attempt on a path that nobody could read proves nothing."""
    return os.access(path, os.R_OK)
