"""YAML text to PyYAML's nodes: its own reader, scanner, parser and composer, within bounds.

Nothing is constructed, so no tag can make anything happen. Plain scalars are resolved as the
YAML 1.2 core schema says.
"""

from __future__ import annotations

from typing import Any

from yaml import MappingNode, Node, ScalarNode
from yaml.composer import Composer
from yaml.error import Mark
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from drillctl.definition.scalars import STR, core_tag

MOST_NODES = 10_000
DEEPEST = 40
MAP, SEQ = "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"


class Stop(Exception):  # noqa: N818 - it ends the reading, and read_nodes says it
    def __init__(self, mark: Mark, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.mark, self.message, self.hint = mark, message, hint


class _Composing(Reader, Scanner, Parser, Composer, BaseResolver):
    """PyYAML's own stages with core resolution, and bounds that hold before memory is spent."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)
        self._depth = 0
        self._nodes = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        mark: Mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        self._nodes += 1
        self._depth += 1
        if self._nodes > MOST_NODES:
            raise Stop(mark, f"the file holds more than {MOST_NODES} values")
        if self._depth > DEEPEST:
            raise Stop(mark, f"this is nested deeper than {DEEPEST} levels")
        node: Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def descend_resolver(self, *_: Any) -> None:
        """Path resolvers are not used."""

    ascend_resolver = descend_resolver

    def resolve(self, kind: type[Node], value: Any, implicit: Any) -> str:
        if kind is ScalarNode:
            return core_tag(value) if implicit[0] else STR
        return MAP if kind is MappingNode else SEQ


def compose(text: str) -> Node | None:
    """The one document of `text`; None when it is empty.

    Raises Stop at a bound, and what PyYAML raises: YAMLError, for odd escapes ValueError.
    """
    node: Node | None = _Composing(text).get_single_node()
    return node
