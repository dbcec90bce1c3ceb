"""How the processes of a sandbox are kept apart from the machine, as far as the machine allows.

    namespaces  as root: own network, processes, IPC and root file system; an account of its own
    user        as anybody else, where user namespaces are allowed: the same, with our own account
    account     as root where namespaces are refused (most containers): the account `nobody`
    plain       nothing but a private folder

The first process inside (`supervisor`) sleeps until the time limit; when it ends, however it
ends, the kernel kills everything else inside.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

Method = Literal["namespaces", "user", "account", "plain"]
OPTION = "DRILLCTL_ISOLATION"

_UNSHARE = ("unshare", "--net", "--ipc", "--pid", "--mount", "--fork", "--kill-child=KILL")
_AS_USER = ("--user", "--map-current-user", "--keep-caps")
_TRIAL = (
    "mount -t tmpfs t /mnt && cd /mnt && mkdir p o u && mount -t proc p p"
    " && mount --rbind /usr u && pivot_root . o"
)
_NO_RIGHTS = ("--no-new-privs", "--inh-caps=-all", "--ambient-caps=-all")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """`uid` is the account inside; `init` is the supervisor's pid as this process sees it, None
    where there is none; `groups` are the cgroup folders that every process joins."""

    method: Method
    uid: int
    gid: int
    seconds: int
    init: int | None = None
    groups: tuple[Path, ...] = ()

    @property
    def own_root(self) -> bool:
        return self.method in ("namespaces", "user")


@lru_cache(maxsize=1)
def _tried() -> Method:
    root = os.geteuid() == 0
    tools = all(map(shutil.which, ("unshare", "nsenter", "setpriv", "mount", "pivot_root")))
    flags = () if root else _AS_USER
    if tools and _succeeds((*_UNSHARE, *flags, "sh", "-c", _TRIAL)):
        return "namespaces" if root else "user"
    return "account" if root else "plain"


def method_here() -> Method:
    """The best that works on this machine, tried for real. `DRILLCTL_ISOLATION` may lower it."""
    tried = _tried()
    if os.environ.get(OPTION) != "none":
        return tried
    return "account" if os.geteuid() == 0 else "plain"


def account_for(name: str, method: Method) -> tuple[int, int]:
    """(uid, gid) inside. A sandbox with its own passwd file gets an account that is no one else's,
    so that not even another sandbox's processes may touch its files."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    own = 1_900_000_000 + int(name[-8:], 16) % 200_000_000
    if method == "namespaces" and _is_mapped(own):
        return own, own
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def supervisor(cell: Cell, script: Path) -> tuple[str, ...]:
    flags = _AS_USER if cell.method == "user" else ()
    return (*_joining(cell), *_UNSHARE, *flags, "sh", str(script))


def entering(cell: Cell, argv: tuple[str, ...]) -> tuple[str, ...]:
    """`argv`, run inside `cell` by its account and without any privilege."""
    if cell.method == "plain":
        lock = ("setpriv", "--no-new-privs", "--") if shutil.which("setpriv") else ()
        return (*_time_limit(cell), *lock, *argv)
    drop = (*_setpriv(cell), "--", *argv)
    if cell.method == "account":
        return (*_joining(cell), *_time_limit(cell), *drop)
    user = ("--user", "--preserve-credentials") if cell.method == "user" else ()
    spaces = ("--mount", "--net", "--ipc", "--pid")
    return (*_joining(cell), "nsenter", f"--target={cell.init}", *user, *spaces, "--", *drop)


def _setpriv(cell: Cell) -> tuple[str, ...]:
    if cell.method == "user":
        return ("setpriv", *_NO_RIGHTS)
    account = (f"--reuid={cell.uid}", f"--regid={cell.gid}", "--clear-groups")
    return ("setpriv", *account, *_NO_RIGHTS[:2], "--bounding-set=-all")


def _joining(cell: Cell) -> tuple[str, ...]:
    """A shell that joins the cgroups before it becomes the program: nothing runs outside them."""
    if not cell.groups:
        return ()
    join = "".join(f"echo 0 > {group}/cgroup.procs && " for group in cell.groups)
    return ("sh", "-c", f'{join}exec "$@"', "join")


def _time_limit(cell: Cell) -> tuple[str, ...]:
    """SIGQUIT makes a postmaster kill its children, which have left its process group."""
    if shutil.which("timeout") is None:
        return ()
    return ("timeout", "--signal=QUIT", "--kill-after=5", str(cell.seconds))


def _is_mapped(uid: int) -> bool:
    """False in a container whose user namespace knows only some thousand accounts."""
    try:
        lines = Path("/proc/self/uid_map").read_text().splitlines()
        ranges = [tuple(map(int, line.split())) for line in lines]
        return any(first <= uid < first + count for first, _, count in ranges)
    except (OSError, ValueError):
        return False


def _succeeds(argv: tuple[str, ...]) -> bool:
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
