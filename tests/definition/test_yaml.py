"""The YAML of a file: what is read, what is refused, and where."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from drillctl.definition.document import Document
from drillctl.definition.nodes import read_nodes
from drillctl.definition.source import read_source
from drillctl.errors import DefinitionError, Problem


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.yaml"


def read(file: Path, text: str | bytes) -> Document:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_nodes(read_source(file))


def refused(file: Path, text: str | bytes) -> tuple[Problem, ...]:
    with pytest.raises(DefinitionError) as caught:
        read(file, text)
    assert all(problem.file == str(file) for problem in caught.value.problems)
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("15:00", "15:00"),
        ("no", "no"),
        ("on", "on"),
        ("2026-11-24", "2026-11-24"),
        ("2026-11-24T05:00:00Z", "2026-11-24T05:00:00Z"),
        ("1_000", "1_000"),
        ("0700", 700),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.10", 1.1),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-3", -3),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("'5'", "5"),
        ('"true"', "true"),
        ("!!str 5", "5"),
        ("|\n  5\n", "5\n"),
        ("=", "="),
        ("<<", "<<"),
    ],
)
def test_scalars_follow_yaml_1_2(file: Path, text: str, value: Any) -> None:
    found = read(file, f"a: {text}\n").data["a"]
    assert (found, type(found)) == (value, type(value))


def test_keys_are_text_whatever_they_look_like(file: Path) -> None:
    assert read(file, "no: 1\n5: 2\ntrue: 3\n").data == {"no": 1, "5": 2, "true": 3}


def test_every_key_and_value_has_its_place(file: Path) -> None:
    document = read(file, "a: 1\nb:\n  - c:  x\n")
    assert document.where(("b", 0, "c"), "key") == (3, 5)
    assert document.where(("b", 0, "c")) == (3, 9)
    assert document.where(("b", 0, "c", "nothing", 5)) == (3, 9)


def test_byte_order_mark_and_windows_line_ends_are_accepted(file: Path) -> None:
    document = read(file, b"\xef\xbb\xbfa: 1\r\nb:\r\n  c: 2\r\n")
    assert document.data == {"a": 1, "b": {"c": 2}}
    assert document.where(("b", "c"), "key") == (3, 3)


def test_an_alias_is_read_where_it_stands(file: Path) -> None:
    assert read(file, "a: &x {b: 1}\nc: *x\n").data == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("", 1, 1, "empty"),
        ("# only a comment\n", 1, 1, "empty"),
        ("a: 1\na: 2\n", 2, 1, "`a` is written twice: first in line 1, again in line 2"),
        ("b: {a: 1,\n  a: 2}\n", 2, 3, "twice"),
        ("yes: 1\nyes: 2\n", 2, 1, "twice"),
        ("a: 1\n---\nb: 2\n", 2, 1, "another document"),
        ("a: b: c\n", 1, 5, "mapping values are not allowed"),
        ("a:\n\tb: 1\n", 2, 1, "cannot start any token"),
        ("a: [1, 2\nb: 3\n", 2, 2, "not valid YAML"),
        ("a: *nothing\n", 1, 4, "undefined alias"),
        ("a: &x [*x]\n", 1, 4, "alias of itself"),
        ("a: &x {b: *x}\n", 1, 4, "alias of itself"),
        ("? [a, b]\n: 1\n", 1, 3, "a key must be text"),
        ("a: !!python/object/apply:os.system [id]\n", 1, 4, "!!python/object/apply:os.system"),
        ("a: !!python/name:os.system\n", 1, 4, "is not allowed"),
        ("a: !mine {b: 1}\n", 1, 4, "`!mine` is not allowed"),
        ("a: !!set {b, c}\n", 1, 4, "`!!set` is not allowed"),
        ("a: !!binary aGk=\n", 1, 4, "`!!binary` is not allowed"),
        ("a: !!int x\n", 1, 4, "not a value of the tag `!!int`"),
        ("a: .inf\n", 1, 4, "not a finite number"),
        ("a: 1e999\n", 1, 4, "not a finite number"),
        ("a: \x01\n", 1, 4, "U+0001"),
        ("a: 1\nb: \x00\n", 2, 4, "U+0000"),
        ('a: "\\0"\n', 1, 4, "U+0000"),
        ('a: "\\ud800"\n', 1, 4, "U+D800"),
        ('a: "\\e[31m"\n', 1, 4, "U+001B"),
        ("%YAML 3.0\n---\na: 1\n", 1, 1, "not valid YAML"),
    ],
)
def test_what_is_refused_says_where(
    file: Path, text: str, line: int, column: int, said: str
) -> None:
    problems = refused(file, text)
    assert any(said in problem.message for problem in problems), problems
    assert (problems[0].line, problems[0].column) == (line, column)


def test_tabs_say_what_to_do(file: Path) -> None:
    assert "spaces" in refused(file, "a:\n\tb: 1\n")[0].hint


def test_bytes_that_are_not_utf8_are_named(file: Path) -> None:
    (problem,) = refused(file, b"a: 1\nbc: \xff\n")
    assert (problem.line, problem.column) == (2, 5)
    assert "byte 9 (0xff) is not UTF-8" in problem.message
    (problem,) = refused(file, "a: 1".encode("utf-16"))
    assert "UTF-16" in problem.message


def test_an_alias_bomb_is_refused_before_it_grows(file: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    (problem,) = refused(file, "\n".join(lines))
    assert "aliases expand to more than 10000 values" in problem.message


@pytest.mark.parametrize("text", ["[" * 50_000, "{" * 50_000, "- " * 50_000, "? " * 50_000])
def test_deep_nesting_is_refused(file: Path, text: str) -> None:
    (problem,) = refused(file, f"a:\n {text}")
    assert "nested deeper" in problem.message


def test_aliases_do_not_nest_deeper_than_what_is_written_out(file: Path) -> None:
    lines = ["a0: &a0 x"] + [f"a{n}: &a{n} {{b: *a{n - 1}}}" for n in range(1, 60)]
    (problem,) = refused(file, "\n".join(lines))
    assert "nest deeper" in problem.message


def test_too_many_values_are_refused(file: Path) -> None:
    (problem,) = refused(file, "a: [" + "1," * 20_000 + "]")
    assert "more than 10000 values" in problem.message


def test_a_50_mb_file_is_refused_without_reading_it(file: Path) -> None:
    with file.open("wb") as stream:
        stream.truncate(50 << 20)
    tracemalloc.start()
    with pytest.raises(DefinitionError, match="bigger than 1 MiB"):
        read_source(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


@pytest.mark.parametrize("path", ["nothing.yaml", ".", "/dev/zero", "x" * 300, "a\0b", "loop"])
def test_what_is_no_file_is_said(path: str, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    for each in (tmp_path / path, tmp_path / "pipe"):
        with pytest.raises(DefinitionError) as caught:
            read_source(each)
        assert caught.value.problems[0].line == 0
