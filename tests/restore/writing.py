"""Tiny dumps, written byte by byte as pg_dump lays them out."""

from __future__ import annotations

from datetime import datetime


def number(value: int) -> bytes:
    return bytes([value < 0]) + abs(value).to_bytes(4, "little")


def text(value: str) -> bytes:
    data = value.encode()
    return number(len(data)) + data


def an_archive(
    *,
    created: datetime,
    database: str,
    server: str = "15.18",
    version: tuple[int, int] = (1, 14),
) -> bytes:
    """A custom archive with a header and an empty table of contents."""
    head = b"PGDMP" + bytes([*version, 0, 4, 8, 1])
    head += bytes([1]) if version >= (1, 15) else number(-1)
    moment = (created.second, created.minute, created.hour, created.day)
    for value in (*moment, created.month - 1, created.year - 1900, 0):
        head += number(value)
    return head + text(database) + text(server) + text("15.18") + number(0)


def plain_text(body: str = "") -> bytes:
    return (
        "--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 15.18\n"
        f"-- Dumped by pg_dump version 15.18\n\n{body}"
        "--\n-- PostgreSQL database dump complete\n--\n\n"
    ).encode()
