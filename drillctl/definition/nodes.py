"""YAML text to plain data with a place for every value: the composer only, never a constructor.

Scalars follow the YAML 1.2 core schema, so `15:00`, `no` and `2026-11-24` stay text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from yaml import MappingNode, Node, ScalarNode, SequenceNode, YAMLError
from yaml.error import Mark, MarkedYAMLError

from drillctl.definition.composing import DEEPEST, MAP, MOST_NODES, SEQ, Stop, compose
from drillctl.definition.document import Document, Place
from drillctl.definition.scalars import Untrue, core_value
from drillctl.definition.source import Source
from drillctl.errors import DefinitionError, Problem

_HINTS = (
    (re.compile(r"'\\t'"), "indent with spaces, never with tabs"),
    (re.compile("mapping values are not allowed"), "quote text that holds `: `"),
    (re.compile("undefined alias"), "quote text that begins with `*`"),
    (re.compile("a single document"), "one file holds one drill or one environment"),
)


def read_nodes(source: Source) -> Document:
    """Raises DefinitionError: broken YAML, duplicate keys, tags, alias bombs and alias loops."""
    try:
        root = compose(source.text)
    except Stop as stop:
        raise DefinitionError((_at(source, stop.mark, stop.message, stop.hint),)) from None
    except MarkedYAMLError as error:
        raise DefinitionError((_syntax(source, error),)) from None
    except (YAMLError, RecursionError, ValueError, OverflowError) as error:
        # The reader's own complaint, or a number in a directive or escape that no YAML means.
        raise DefinitionError((_at(source, None, f"this is not YAML: {_flat(error)}"),)) from None
    if root is None:
        raise DefinitionError((_at(source, None, "the file is empty"),))
    walk = _Walk(source)
    try:
        data = walk.value(root, (), ())
    except Stop as stop:
        walk.problems.append(_at(source, stop.mark, stop.message, stop.hint))
        data = None
    if walk.problems:
        raise DefinitionError(tuple(walk.problems))
    return Document(source=source, data=data, places=walk.places)


class _Walk:
    """Nodes to data with aliases followed, within a bound on what they expand to."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.places: dict[tuple[str | int, ...], Place] = {}
        self.problems: list[Problem] = []
        self._count = 0

    def value(self, node: Node, path: tuple[str | int, ...], above: Sequence[int]) -> Any:
        self._count += 1
        if self._count > MOST_NODES:
            message = f"aliases expand to more than {MOST_NODES} values"
            raise Stop(node.start_mark, message, "write the values out instead")
        if id(node) in above:
            raise Stop(node.start_mark, "this anchor contains an alias of itself")
        if len(path) > DEEPEST:
            raise Stop(node.start_mark, f"aliases nest deeper than {DEEPEST} levels")
        raw = node.value if isinstance(node, ScalarNode) else None
        self.places.setdefault(path, Place(key=None, value=_place(node.start_mark), raw=raw))
        below = (*above, id(node))
        if isinstance(node, MappingNode) and self._plain(node, MAP):
            return self._mapping(node, path, below)
        if isinstance(node, SequenceNode) and self._plain(node, SEQ):
            return [self.value(item, (*path, at), below) for at, item in enumerate(node.value)]
        return self._scalar(node) if isinstance(node, ScalarNode) else None

    def _mapping(self, node: Node, path: tuple[str | int, ...], below: Sequence[int]) -> Any:
        data: dict[str, Any] = {}
        seen: dict[str, Mark] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._say(key_node, "a key must be text", "quote it if it begins with `[` or `{`")
                continue
            key = str(self._scalar(key_node, as_text=True))
            mark = key_node.start_mark
            if key in seen:
                first = seen[key].line + 1
                self._say(key_node, f"`{key}` is written twice: first in line {first}, again in "
                          f"line {mark.line + 1}", "keep one of them")  # fmt: skip
                continue
            seen[key] = mark
            raw = value_node.value if isinstance(value_node, ScalarNode) else None
            self.places[(*path, key)] = Place(
                key=_place(mark), value=_place(value_node.start_mark), raw=raw
            )
            data[key] = self.value(value_node, (*path, key), below)
        return data

    def _scalar(self, node: Node, *, as_text: bool = False) -> Any:
        """Keys are read as text whatever they look like: a table may be called `no`."""
        try:
            value = core_value(node.tag, node.value)
        except Untrue as error:
            self._say(node, str(error), error.hint)
            return node.value
        return node.value if as_text else value

    def _plain(self, node: Node, tag: str) -> bool:
        if node.tag != tag:
            self._say(node, f"the tag `{_tag(node.tag)}` is not allowed here", "take it out")
        return True

    def _say(self, node: Node, message: str, hint: str = "") -> None:
        self.problems.append(_at(self.source, node.start_mark, message, hint))


def _tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")


def _place(mark: Mark) -> tuple[int, int]:
    return mark.line + 1, mark.column + 1


def _at(source: Source, mark: Mark | None, message: str, hint: str = "") -> Problem:
    line, column = _place(mark) if mark else (1, 1)
    return Problem(file=source.file, line=line, column=column, message=message, hint=hint)


def _syntax(source: Source, error: MarkedYAMLError) -> Problem:
    """PyYAML's words in ours: what was met, where, and while doing what."""
    said = " ".join(part for part in (error.problem, error.context) if part)
    hint = next((hint for pattern, hint in _HINTS if pattern.search(said)), "")
    mark = error.problem_mark or error.context_mark
    return _at(source, mark, f"this is not valid YAML: {_flat(said)}", hint)


def _flat(error: object) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 160 else text[:157] + "..."
