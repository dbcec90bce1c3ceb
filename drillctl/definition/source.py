"""One definition file, read within a bound: bytes in, text out, or what is wrong with the bytes."""

from __future__ import annotations

import codecs
import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from drillctl.errors import DefinitionError, Problem

LARGEST_BYTES = 1 << 20
# What YAML 1.2 calls printable (5.1), without the surrogates that UTF-8 cannot hold anyway.
UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_OTHER_ENCODINGS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """`file` is the path as the user wrote it; `text` has no byte order mark."""

    file: str
    text: str
    sha256: str


def read_source(path: Path) -> Source:
    """Raises DefinitionError: missing, not a regular file, too big, not UTF-8, not text."""
    file = str(path)
    raw = _read(path, file)
    if raw.startswith(_OTHER_ENCODINGS):
        raise _wrong(
            file, "the file is UTF-16, not UTF-8", line=1, column=1, hint="save it as UTF-8"
        )
    try:
        text = raw.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_utf8(file, raw.removeprefix(codecs.BOM_UTF8), error) from None
    control = UNPRINTABLE.search(text)
    if control is not None:
        line, column = position_of(text, control.start())
        raise _wrong(
            file,
            f"the file holds the control character U+{ord(control[0]):04X}",
            line=line,
            column=column,
            hint="remove it; definition files are plain text",
        )
    return Source(file=file, text=text, sha256=hashlib.sha256(raw).hexdigest())


def position_of(text: str, offset: int) -> tuple[int, int]:
    """Line and column, both from 1, of a character of `text`."""
    begin = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, offset) + 1, offset - begin + 1


def _read(path: Path, file: str) -> bytes:
    """At most one byte more than is allowed: a file may grow between the look and the read."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise _wrong(file, "this is not a regular file", hint="name a YAML file")
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with open(descriptor, "rb") as stream:  # noqa: PTH123 - from a descriptor
            raw = stream.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        raise _wrong(file, "there is no such file", hint="check the path") from None
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise _wrong(file, f"the file cannot be read: {reason}") from None
    except ValueError:
        raise _wrong(repr(file), "this is not a path: it holds a NUL character") from None
    if len(raw) > LARGEST_BYTES:
        raise _wrong(
            file,
            "the file is bigger than 1 MiB",
            hint="a drill is a page of YAML; this looks like something else",
        )
    return raw


def _not_utf8(file: str, raw: bytes, error: UnicodeDecodeError) -> DefinitionError:
    before = raw[: error.start].decode("utf-8")
    line, column = position_of(before, len(before))
    return _wrong(
        file,
        f"byte {error.start} (0x{raw[error.start]:02x}) is not UTF-8",
        line=line,
        column=column,
        hint="save the file as UTF-8",
    )


def _wrong(
    file: str, message: str, *, line: int = 0, column: int = 0, hint: str = ""
) -> DefinitionError:
    problem = Problem(file=file, line=line, column=column, message=message, hint=hint)
    return DefinitionError((problem,))
