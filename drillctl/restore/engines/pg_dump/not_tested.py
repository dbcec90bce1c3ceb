"""What a restore of a dump cannot show, in words for the debrief."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from drillctl.restore.engines.pg_dump.archive import Entry, Header
from drillctl.restore.engines.pg_dump.checksum import Sums
from drillctl.restore.engines.pg_dump.notes import shortened
from drillctl.restore.engines.pg_dump.sniff import Shape

_SEAL = "without a seal or a `.sha256` file beside it"
_LEFT_OUT = {
    "PUBLICATION": "publications",
    "SUBSCRIPTION": "subscriptions",
    "SECURITY LABEL": "security labels",
}


def of_archive(
    header: Header, shape: Shape, entries: Sequence[Entry], sums: Sums | None
) -> Iterator[str]:
    kinds = {entry.kind for entry in entries}
    left_out = [words for kind, words in _LEFT_OUT.items() if kind in kinds]
    if left_out:
        yield f"{', '.join(left_out)}: left out, so that nothing reaches out of the sandbox"
    if "EVENT TRIGGER" in kinds:
        yield "event triggers: restored, then disabled"
    yield from of_spaces({entry.tablespace for entry in entries} - {"", "pg_default"})
    yield excluded()
    if sums is not None and sums.vouched_for:
        return
    if header.compression != "gzip" and not shape.wrapping:
        inside = "uncompressed" if header.compression == "none" else header.compression
        yield f"the rows of an {inside} archive carry no checksum: changed values cannot be seen {_SEAL}"  # fmt: skip # noqa: E501
    if not shape.wrapping:
        yield f"the archive's table of contents carries no checksum: a changed definition cannot be seen {_SEAL}"  # fmt: skip # noqa: E501
    if shape.form == "directory":
        yield f"the files of a directory dump do not say whose rows they hold: two that were swapped may fit {_SEAL}"  # fmt: skip # noqa: E501


def of_plain(shape: Shape, checksummed: bool, sums: Sums | None) -> Iterator[str]:
    yield "meta-commands (such as \\!) that a plain dump holds: they run inside the sandbox only"
    yield excluded()
    if not checksummed and not (sums is not None and sums.vouched_for):
        what = f"a {shape.wrapping} stream like this one" if shape.wrapping else "a plain dump"
        yield f"{what} carries no checksum: changed values inside it cannot be seen {_SEAL}"


def of_spaces(spaces: Iterable[str]) -> Iterator[str]:
    if names := sorted(spaces):
        yield f"tablespaces ({shortened(names)}): all data lies on the sandbox's own disk"


def excluded() -> str:
    return (
        "tables that the dump job leaves out (pg_dump -T, -n, -t): they leave no trace in a dump; "
        "compare with a seal or a `structure` reference"
    )


def of_roles(missing: Sequence[str], *, have_globals: bool) -> Iterable[str]:
    if have_globals:
        return ("logging in as a restored role: passwords are not restored",)
    if missing:
        return (
            f"roles ({shortened(missing)}): stand-ins without attributes, memberships or passwords",
        )
    return ()
