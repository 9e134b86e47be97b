"""YAML text to a tree of texts with positions. Strict: no anchors, no tags, no second document, no duplicate keys.

Scalars stay the text that was written: `0.1` is never a float, `no` never a boolean, `08:30` never a number.
"""

from typing import Final, Literal

import msgspec
import yaml

TEXT_BYTES_MAX: Final = 262_144
NODES_COUNT_MAX: Final = 20_000
DEPTH_COUNT_MAX: Final = 12


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with a file, and where.

    Attributes:
        line: From 1.
        column: From 1.
        where: Path of the part, for example `max_order.USDT`; empty for the whole file.
        text: What is wrong and what to write instead.
    """

    line: int
    column: int
    where: str
    text: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.where + ': ' if self.where else ''}{self.text}"


class Node(msgspec.Struct):
    """One part of the tree.

    Attributes:
        kind: What it is.
        line: From 1.
        column: From 1.
        text: Of a scalar.
        items: Of a list.
        pairs: Of a mapping: key to (key's node, value).
    """

    kind: Literal["text", "list", "map"]
    line: int
    column: int
    text: str = ""
    items: list["Node"] = []
    pairs: dict[str, tuple["Node", "Node"]] = {}


class BadYamlError(Exception):
    """Carries a problem up to the reader of the file."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def read_tree(raw: str) -> Node:
    """Read one YAML document.

    Args:
        raw: Its text, at most TEXT_BYTES_MAX.

    Returns:
        The root.

    Raises:
        BadYamlError: It is too large, not YAML, or uses a part of YAML that is refused here.
    """
    if len(raw.encode(errors="replace")) > TEXT_BYTES_MAX:
        raise BadYamlError(Problem(1, 1, "", f"the file is larger than {TEXT_BYTES_MAX} bytes"))
    builder = _Builder()
    try:
        for event in yaml.parse(raw, Loader=yaml.SafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        raise BadYamlError(Problem(*at, "", f"this is not YAML: {error.problem}")) from None
    except yaml.YAMLError as error:
        raise BadYamlError(Problem(1, 1, "", f"this is not YAML: {error}")) from None
    if builder.root is None:
        raise BadYamlError(Problem(1, 1, "", "the file is empty"))
    return builder.root


class _Builder:
    """Puts events together."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[Node] = []
        self._keys: list[Node | None] = []
        self._count = 0

    def take(self, event: yaml.Event) -> None:
        """Take one event of the parser."""
        mark = event.start_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        if isinstance(event, yaml.AliasEvent):
            raise BadYamlError(Problem(line, column, "", "aliases (*name) are not taken; write it out"))
        if isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
            self._keys.pop()
            return
        if not isinstance(event, yaml.NodeEvent):
            return
        if event.anchor is not None:
            raise BadYamlError(Problem(line, column, "", "anchors (&name) are not taken; write it out"))
        tag: str | None = getattr(event, "tag", None)
        if tag is not None:
            raise BadYamlError(Problem(line, column, "", f"tags ({tag}) are not taken"))
        self._count += 1
        if self._count > NODES_COUNT_MAX or len(self._open) >= DEPTH_COUNT_MAX:
            raise BadYamlError(Problem(line, column, "", "the file has too many parts, or they are too deep"))
        if isinstance(event, yaml.ScalarEvent):
            self._add(Node("text", line, column, str(event.value)))
            return
        node = Node("map" if isinstance(event, yaml.MappingStartEvent) else "list", line, column)
        self._add(node)
        self._open.append(node)
        self._keys.append(None)

    def _add(self, node: Node) -> None:
        if not self._open:
            if self.root is not None:
                raise BadYamlError(Problem(node.line, node.column, "", "a file holds one document"))
            self.root = node
            return
        parent, key = self._open[-1], self._keys[-1]
        if parent.kind == "list":
            parent.items.append(node)
        elif key is None:
            if node.kind != "text":
                raise BadYamlError(Problem(node.line, node.column, "", "a key is a plain word"))
            if node.text in parent.pairs:
                raise BadYamlError(Problem(node.line, node.column, node.text, "this key is there twice"))
            self._keys[-1] = node
        else:
            parent.pairs[key.text] = (key, node)
            self._keys[-1] = None
