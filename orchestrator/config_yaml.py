"""YAML text to plain data, refusing what people write by mistake, with the line of every key."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from orchestrator.errors import Fault

_TAB = re.compile(r"^ *\t", re.MULTILINE)

#: The line (from 1) of each key path, such as `backends[0].port`.
Lines = dict[str, int]


class YamlInvalidError(ValueError):
    """YAML that cannot be used, with every reason that was found."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(faults)
        self.faults = faults


def read(text: str) -> tuple[dict[str, object], Lines]:
    """The keys and values of a YAML document; an empty document has none.

    Raises:
        YamlInvalidError: The syntax is wrong, lines are indented with tabs, a key comes twice, a
            key is no text, an alias is used, or the document is no mapping.
    """
    tabs = [
        _at(text, found.end() - 1, "a tab; indent with spaces") for found in _TAB.finditer(text)
    ]
    if tabs:
        raise YamlInvalidError(tabs)
    loader = yaml.CSafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None or node.tag == "tag:yaml.org,2002:null":
            return {}, {}
        lines: Lines = {}
        faults = list(_walk(node, "", lines, set()))
        if not isinstance(node, yaml.MappingNode):
            faults.append(Fault("", "expected keys and values at the top"))
        if faults:
            raise YamlInvalidError(faults)
        return loader.construct_document(node), lines
    except yaml.YAMLError as exc:
        raise YamlInvalidError([_syntax(text, exc)]) from exc
    finally:
        loader.dispose()


def _walk(node: yaml.Node, path: str, lines: Lines, seen: set[int]) -> Iterator[Fault]:
    """Note the line of every key below a node, and yield what YAML allows but we do not."""
    line = node.start_mark.line + 1
    if id(node) in seen:
        yield Fault(path, f"line {line}: an alias; write the value out")
        return
    seen.add(id(node))
    lines.setdefault(path, line)
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _walk(item, f"{path}[{index}]", lines, seen)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _walk_key(key, value, path, lines, seen)


def _walk_key(
    key: yaml.Node, value: yaml.Node, path: str, lines: Lines, seen: set[int]
) -> Iterator[Fault]:
    line = key.start_mark.line + 1
    if key.tag != "tag:yaml.org,2002:str":
        yield Fault(path, f"line {line}: a key that is not plain text")
        return
    inner = f"{path}.{key.value}".lstrip(".")
    if inner in lines:
        yield Fault(inner, f"line {line}: the key was already given in line {lines[inner]}")
        return
    lines[inner] = line
    yield from _walk(value, inner, lines, seen)


def _syntax(text: str, error: yaml.YAMLError) -> Fault:
    match error:
        case yaml.MarkedYAMLError(problem=problem, problem_mark=mark) if mark is not None:
            return Fault("", f"line {mark.line + 1}, column {mark.column + 1}: {problem}")
        case yaml.reader.ReaderError(position=position, reason=reason):
            before = text.encode()[: int(position)]  # libyaml counts bytes
            return _at(text, len(before.decode(errors="ignore")), str(reason))
        case _:
            return Fault("", str(error))


def _at(text: str, index: int, problem: str) -> Fault:
    line = text.count("\n", 0, index) + 1
    column = index - text.rfind("\n", 0, index)
    return Fault("", f"line {line}, column {column}: {problem}")
