"""A plain dump is read on its way, whatever the blocks it comes in, and never changed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drillctl.restore.engines.pg_dump import scan as scanning
from drillctl.restore.engines.pg_dump.scan import Scan, Wanted, connected_to

END = b"--\n-- PostgreSQL database dump complete\n--\n\n"
LEAVE = b"\\unrestrict abc\n\n"
HEAD = b"--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\n"
TABLE = b"""\
--
-- Name: t; Type: TABLE; Schema: public; Owner: app
--

CREATE TABLE public.t (a text);
ALTER TABLE public.t OWNER TO other;
"""
ROWS = b"""\
--
-- Data for Name: t; Type: TABLE DATA; Schema: public; Owner: app
--

COPY public.t (a) FROM stdin;
-- Name: no; Type: TABLE; Schema: public; Owner: nobody
CREATE EXTENSION no;
\\\\.
-- PostgreSQL database dump complete
\\.


"""
GRANTS = b'GRANT SELECT ON TABLE public.t TO "Odd ""Reader";\n'
DUMP = HEAD + TABLE + ROWS + GRANTS + END + LEAVE


def scanned(data: bytes, size: int, *, cluster: bool = False) -> tuple[Scan, Wanted]:
    """The scan of `data` in chunks of `size` bytes, and all that it wanted."""
    every = Wanted()

    def note(wanted: Wanted) -> None:
        every.extensions |= wanted.extensions
        every.roles |= wanted.roles
        every.grants += wanted.grants
        every.databases += wanted.databases
        every.tablespaces |= wanted.tablespaces

    scan = Scan(note, cluster=cluster)
    assert b"".join(scan.lines(pieces(data, size))) == data
    return scan, every


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that chunks are looked at as they come."""
    monkeypatch.setattr(scanning, "_BLOCK", 1)


@pytest.mark.parametrize("size", [*range(1, 90), *range(100, 500, 7), 1 << 20])
def test_it_is_the_same_in_blocks_of_any_size(size: int) -> None:
    scan, wanted = scanned(DUMP, size)
    if size < 100:
        return  # lines longer than a block are passed on unread, which no line of SQL is
    assert scan.complete
    assert not scan.inserts
    assert [str(entry) for entry in scan.entries[""]] == [
        "TABLE public.t",
        "TABLE DATA public.t",
    ]
    assert wanted.roles == {"app"}
    assert wanted.extensions == set()
    assert scan.label_at(DUMP[: DUMP.index(b"ALTER")].count(b"\n") + 1) == "TABLE public.t"


def test_a_line_longer_than_a_block_is_passed_on_and_what_follows_is_read() -> None:
    long = ROWS.replace(b"\\.\n\n", b"x" * 5000 + b"\n\\.\n\n")
    for size in (100, 163, 700):
        scan, _ = scanned(HEAD + TABLE + long + TABLE.replace(b"t;", b"u;") + END + LEAVE, size)
        assert scan.complete, size


def test_windows_line_ends_are_understood() -> None:
    scan, wanted = scanned(DUMP.replace(b"\n", b"\r\n"), 1 << 20)
    assert scan.complete
    assert wanted.roles == {"app"}
    assert len(scan.entries[""]) == 2


@pytest.mark.parametrize("length", range(len(DUMP)))
def test_a_dump_cut_at_any_byte_is_not_complete(length: int) -> None:
    assert not scanned(DUMP[:length], 1 << 20)[0].complete


def test_the_end_of_an_inner_dump_is_not_the_end_of_a_cluster() -> None:
    inner = b"-- PostgreSQL database cluster dump\n" + DUMP
    assert not scanned(inner, 1 << 20, cluster=True)[0].complete
    whole = inner + b"--\n-- PostgreSQL database cluster dump complete\n--\n\n"
    assert scanned(whole, 1 << 20, cluster=True)[0].complete


def test_what_a_dump_needs_is_asked_for_before_its_lines_are_handed_on() -> None:
    order: list[str] = []
    scan = Scan(lambda wanted: order.append("asked"))
    for block in scan.lines([b"CREATE EXTENSION IF NOT EXISTS postgis;\n"]):
        order.append(f"handed {len(block)}")
    assert order == ["asked", "handed 40"]


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        ("ledger", "ledger"),
        ('"Odd One"', "Odd One"),
        ("-reuse-previous=on \"dbname='it''s'\"", "it"),
        ("-reuse-previous=on \"dbname='a=b'\"", "a=b"),
    ],
)
def test_the_database_of_a_connect_line(argument: str, name: str) -> None:
    assert connected_to(argument) == name
