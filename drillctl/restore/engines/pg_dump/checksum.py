"""SHA-256 of a dump, computed beside the restore, and compared with a `.sha256` file if one lies
there: the only thing that sees a changed byte where the format itself carries no checksum."""

from __future__ import annotations

import hashlib
import re
import threading
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 1 << 20
_LINE = re.compile(r"^\\?([0-9a-fA-F]{64}) [ *](.+)$")
_LIMIT = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """`sha256` is of the file, or for a folder of its sorted `sha256sum` listing. `compared` is
    how many files a checksum file vouched for; `wrong` names those that differ or are missing."""

    sha256: str
    compared: int
    total: int
    wrong: tuple[str, ...]

    @property
    def vouched_for(self) -> bool:
        return 0 < self.total <= self.compared and not self.wrong


class Summing:
    """Hash `path` in a thread. Hashing gives up the interpreter lock, and a read warms the cache
    for the restore beside it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sums: Sums | None = None
        self._error: OSError | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="sha256", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            self._sums = self._sum()
        except OSError as error:
            self._error = error

    def _sum(self) -> Sums | None:
        folder = self._path.is_dir()
        files = sorted(p for p in self._path.iterdir() if p.is_file()) if folder else [self._path]
        found: dict[str, str] = {}
        for file in files:
            digest = self._digest(file)
            if digest is None:
                return None
            found[file.name] = digest
        listing = "".join(f"{digest}  {name}\n" for name, digest in found.items())
        whole = hashlib.sha256(listing.encode("utf-8", "surrogateescape")).hexdigest()
        expected = expected_sums(self._path)
        wrong = [name for name, digest in expected.items() if found.get(name) != digest]
        return Sums(
            sha256=whole if folder else found[self._path.name],
            compared=sum(name in expected for name in found),
            total=len(found),
            wrong=tuple(sorted(wrong)),
        )

    def _digest(self, file: Path) -> str | None:
        digest = hashlib.sha256()
        with file.open("rb", buffering=0) as stream:
            while chunk := stream.read(_CHUNK):
                if self._stop.is_set():
                    return None
                digest.update(chunk)
        return digest.hexdigest()

    def give_up(self) -> None:
        """The restore failed: nobody will ask."""
        self._stop.set()
        self._thread.join(timeout=10)

    def result(self, timeout: float) -> Sums | None:
        """None when the time was not enough. Raises OSError when the dump could not be read."""
        self._thread.join(timeout=timeout)
        if self._error is not None:
            raise self._error
        if self._thread.is_alive():
            self._stop.set()
        return self._sums


def expected_sums(path: Path) -> dict[str, str]:
    """What `sha256sum` wrote of this dump's files: `<dump>.sha256`, or `SHA256SUMS` beside it or
    inside a folder."""
    folder = path.is_dir()
    asides = [path.with_name(path.name + ".sha256"), path.parent / "SHA256SUMS"]
    for aside in [path / "SHA256SUMS", *asides] if folder else asides:
        said = _read(aside)
        if folder:
            names = {name.removeprefix("./").removeprefix(f"{path.name}/"): d for name, d in said.items()}  # fmt: skip # noqa: E501
            said = {name: digest for name, digest in names.items() if "/" not in name}
        else:
            ours = [digest for name, digest in said.items() if Path(name).name == path.name]
            said = {path.name: ours[0]} if ours else {}
        if said:
            return said
    return {}


def _read(aside: Path) -> dict[str, str]:
    try:
        if not aside.is_file() or aside.stat().st_size > _LIMIT:
            return {}
        lines = aside.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return {}
    bare = re.fullmatch(r"[0-9a-fA-F]{64}", lines[0].strip()) if len(lines) == 1 else None
    if bare:
        return {aside.name.removesuffix(".sha256"): bare[0].lower()}
    matches = (_LINE.match(line) for line in lines)
    return {match[2]: match[1].lower() for match in matches if match}
