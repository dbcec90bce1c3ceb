"""Whatever is in a file, only DefinitionError comes out, and it says where."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from drillctl.definition.lint import lint
from drillctl.definition.load import load_drill
from drillctl.definition.nodes import read_nodes
from drillctl.definition.schema import drill_schema
from drillctl.definition.source import read_source
from drillctl.definition.vocabulary import Vocabulary
from drillctl.errors import DefinitionError

Write = Callable[..., Path]

PIECES = (
    b": ", b"- ", b"{", b"}", b"[", b"]", b'"', b"'", b"&a ", b"*a", b"!!x ", b"!", b"|\n", b">\n",
    b"#", b"\n", b"\t", b"  ", b"? ", b"---\n", b"...\n", b"%YAML 1.2\n", b"\x00", b"\xff", b"\r",
    b"~", b"null", b"0", b"-1", b"1e400", b".nan", b"9" * 50, b"\xe2\x80\xa8", b"\xef\xbb\xbf",
    b"<<: ", b"true", b"[]", b"{}", b"validate:", b"restore:", b"\\ud800", b"query: ", b"tables: ",
)  # fmt: skip


def mutated(text: bytes, random_: random.Random) -> bytes:
    """A few bytes cut, doubled, swapped, or put in from YAML's own alphabet."""
    for _ in range(random_.randint(1, 4)):
        begin = random_.randrange(len(text) + 1)
        end = min(len(text), begin + random_.choice((0, 1, 1, 3, 10, 40)))
        piece = random_.choice((
            b"",
            random_.choice(PIECES),
            random_.choice(PIECES),
            text[begin:end] * 2,
            random_.randbytes(2),
            text[(at := random_.randrange(len(text) + 1)) : at + 20],
        ))  # fmt: skip
        text = text[:begin] + piece + text[end:]
    return text


@pytest.mark.parametrize("seed", range(8))
def test_only_definition_errors_come_out(
    seed: int, write: Write, vocabulary: Vocabulary, right: str
) -> None:
    random_ = random.Random(seed)
    refused = 0
    for _ in range(60):
        path = write(mutated(right.encode(), random_))
        try:
            load_drill(path, vocabulary)
        except DefinitionError as error:
            refused += 1
            assert error.problems
            assert all(problem.line >= 1 and problem.column >= 1 for problem in error.problems)
            assert all(problem.message for problem in error.problems)
            if str(error).count("`environment`") == 0:
                assert lint([path], vocabulary)[0][1]
    assert refused > 40


@pytest.mark.parametrize("seed", range(4))
def test_random_values_at_random_places(
    seed: int, write: Write, vocabulary: Vocabulary, right: str
) -> None:
    """Files that are right YAML, in which a value has become another value of the file."""
    random_ = random.Random(seed)
    lines = right.splitlines()
    values = ["[]", "{}", "~", "5", "x", "true", "1.5", "{a: {b: [c]}}", "[[[1]]]", "''", "15m"]
    values += [line.partition(": ")[2] for line in lines if ": " in line]
    for _ in range(80):
        wrong = list(lines)
        at = random_.randrange(len(wrong))
        key = wrong[at].partition(":")[0]
        wrong[at] = f"{key}: {random_.choice(values)}"
        path = write("\n".join(wrong))
        try:
            load_drill(path, vocabulary)
        except DefinitionError as error:
            assert all(problem.line >= 1 for problem in error.problems)


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "x" * (1 << 20),
        "# " + "://a:b@" * 100_000,
        "a: " + "\n" * 500_000,
        "".join(f"k{n}: 1\n" for n in range(4_900)),
        "validate:\n" + "- foreign_kys\n" * 9_000,
        "restore: {engine: pg_dump, " + ", ".join(f"x{n}: 1" for n in range(4_000)) + "}",
    ],
    ids=["long", "secrets", "lines", "keys", "checks", "options"],
)
def test_a_file_that_is_built_to_be_slow_is_not(
    text: str, write: Write, vocabulary: Vocabulary
) -> None:
    path = write(text[: 1 << 20])
    begin = time.process_time()
    with pytest.raises(DefinitionError):
        load_drill(path, vocabulary)
    assert time.process_time() - begin < 5


def test_reading_leaves_no_reference_cycle_of_schemas(vocabulary: Vocabulary) -> None:
    assert drill_schema(vocabulary) == drill_schema(vocabulary), "made anew, and the same"


def test_a_file_may_vanish_between_two_looks(write: Write, vocabulary: Vocabulary) -> None:
    path = write("name: a\n")
    read_nodes(read_source(path))
    path.unlink()
    with pytest.raises(DefinitionError):
        load_drill(path, vocabulary)
