"""The workflows that a studio keeps in `workflows_dir`: `<id>.json`, and `<id>.yaml` beside it.

The YAML is optional. It gives parameters names, ranges and defaults of their own:

    parameters:
      - {name: look, node: "6", input: text, type: str, default: "film still"}
      - {name: quality, node: "3", input: steps, type: int, range: [10, 60]}
      - {name: scale, node: "9", input: upscale_method, type: choice, choices: [area, lanczos]}

All functions block on the disk; call them with `asyncio.to_thread`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson
import yaml
from attrs import evolve, frozen

from orchestrator.comfyui.graph import Workflow, inputs_of
from orchestrator.comfyui.parameters import (
    SEED_INPUTS,
    Exposed,
    Kind,
    Rule,
    adopt,
    bounded_as_seed,
    fault,
)
from orchestrator.comfyui.workflow import MAX_BYTES, check, place_of
from orchestrator.errors import WorkflowInvalid, WorkflowUnknown, WorkflowUnreadable

MAX_YAML_BYTES = 1024 * 1024
KINDS: tuple[Kind, ...] = ("int", "float", "str", "bool", "choice")
KEYS = frozenset({"name", "node", "input", "type", "range", "choices", "default"})


@frozen
class CatalogueEntry:
    """A workflow of the catalogue, checked, with the defaults of its YAML set."""

    workflow_id: str
    graph: Workflow
    exposed: tuple[Exposed, ...]


class Catalogue:
    """Reads one folder of workflows. An id is the path of a file below it, without `.json`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> tuple[str, ...]:
        """The ids of all workflows, sorted; empty if the folder does not exist. Blocks.

        Raises:
            WorkflowUnreadable: The folder is there but cannot be listed.
        """
        found = []
        for parent, folders, files in os.walk(self.folder, onerror=_unreadable):
            folders[:] = [name for name in folders if not name.startswith(".")]
            below = Path(parent).relative_to(self.folder)
            ids = [(below / name).as_posix().removesuffix(".json") for name in files]
            ends = [name.endswith(".json") for name in files]
            found += [i for i, end in zip(ids, ends, strict=True) if end and _is_safe(i)]
        return tuple(sorted(found))

    def load(self, workflow_id: str) -> CatalogueEntry:
        """Read one workflow and its YAML. Blocks.

        Raises:
            WorkflowUnknown: There is no such file, or the id is no path inside the folder.
            WorkflowInvalid: The JSON or YAML is wrong; the reason names file and key.
            WorkflowUnreadable: The file is there but cannot be read.
        """
        raw = self._read(workflow_id, ".json", MAX_BYTES) if _is_safe(workflow_id) else None
        if raw is None:
            raise WorkflowUnknown(workflow_id[:200], self.names())
        try:
            graph = orjson.loads(raw)
        except orjson.JSONDecodeError as exc:
            raise WorkflowInvalid(f"{workflow_id}.json: {exc}") from exc
        try:
            check(graph)
        except WorkflowInvalid as exc:
            raise WorkflowInvalid(f"{workflow_id}.json: {exc.reason}", exc.node) from exc
        described = self._read(workflow_id, ".yaml", MAX_YAML_BYTES)
        if described is None:
            return CatalogueEntry(workflow_id, graph, ())
        exposed = _exposed(f"{workflow_id}.yaml", described, graph)
        for parameter in exposed:
            place = place_of(graph, parameter.node, parameter.input, parameter.rule.kind)
            if place is not None and parameter.default is not None:
                inputs_of(graph, place.node)[place.input] = parameter.default
        return CatalogueEntry(workflow_id, graph, exposed)

    def _read(self, workflow_id: str, suffix: str, limit: int) -> bytes | None:
        path = self.folder / f"{workflow_id}{suffix}"
        try:
            with path.open("rb") as file:
                raw = file.read(limit + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as exc:
            raise WorkflowUnreadable(str(path), exc.strerror or str(exc)) from exc
        if len(raw) > limit:
            raise WorkflowInvalid(f"{workflow_id}{suffix}: it is larger than {limit} bytes")
        return raw


def _unreadable(exc: OSError) -> None:
    if not isinstance(exc, FileNotFoundError):
        raise WorkflowUnreadable(str(exc.filename), exc.strerror or str(exc)) from exc


def _is_safe(workflow_id: str) -> bool:
    """Whether an id stays below the folder on every system, by its text alone."""
    if not workflow_id.isprintable() or any(char in workflow_id for char in '\\:*?"<>|'):
        return False
    parts = workflow_id.split("/")
    return len(workflow_id) <= 500 and not any(part.startswith(".") or not part for part in parts)


def _exposed(file: str, raw: bytes, graph: Workflow) -> tuple[Exposed, ...]:
    try:
        said = yaml.safe_load(raw)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as exc:
        raise WorkflowInvalid(f"{file}: it is not YAML: {exc}") from exc
    if said is None:
        return ()
    if not isinstance(said, dict) or set(said) - {"parameters"}:
        raise WorkflowInvalid(f"{file}: it must be an object with the only key `parameters`")
    listed = said.get("parameters") or []
    if not isinstance(listed, list):
        raise WorkflowInvalid(f"{file}: parameters: must be a list")
    exposed: dict[str, Exposed] = {}
    for number, item in enumerate(listed):
        where = f"{file}: parameters[{number}]"
        parameter = _parameter(where, item, graph)
        if parameter.name in exposed:
            raise WorkflowInvalid(f"{where}.name: {parameter.name!r} is there twice")
        exposed[parameter.name] = parameter
    return tuple(exposed.values())


def _parameter(where: str, item: Any, graph: Workflow) -> Exposed:
    if not isinstance(item, dict):
        raise WorkflowInvalid(f"{where}: must be an object")
    if unknown := sorted(map(str, set(item) - KEYS)):
        raise WorkflowInvalid(f"{where}.{unknown[0]}: there is no such key")
    name = _text(where, item, "name")
    if ":" in name:
        raise WorkflowInvalid(f"{where}.name: a colon would read as `node:input`")
    # YAML reads `node: 6` as a number; ComfyUI's ids are texts.
    node = str(item["node"]) if type(item.get("node")) is int else _text(where, item, "node")
    key = _text(where, item, "input")
    if node not in graph:
        raise WorkflowInvalid(f"{where}.node: there is no node {node!r}", node)
    rule = _rule(where, item)
    place = place_of(graph, node, key, rule.kind)
    if place is None:
        said = f"{key!r} is not there, or its link leads to no literal of type {rule.kind}"
        raise WorkflowInvalid(f"{where}.input: {said}", node)
    if rule.kind == "int" and place.input in SEED_INPUTS:
        rule = bounded_as_seed(rule)
    default = item.get("default")
    if default is not None:
        if (reason := fault(rule, default)) is not None:
            raise WorkflowInvalid(f"{where}.default: {reason}")
        default = adopt(rule, default)
    return Exposed(name=name, node=node, input=key, rule=rule, default=default)


def _text(where: str, item: dict[Any, Any], key: str) -> str:
    value = item.get(key)
    if not isinstance(value, str) or not value:
        raise WorkflowInvalid(f"{where}.{key}: must be a text")
    return value


def _rule(where: str, item: dict[Any, Any]) -> Rule:
    kind = next((kind for kind in KINDS if kind == item.get("type")), None)
    if kind is None:
        raise WorkflowInvalid(f"{where}.type: must be one of: {', '.join(KINDS)}")
    rule = Rule(kind=kind)
    if "range" in item:
        rule = _ranged(f"{where}.range", rule, item["range"])
    if (kind == "choice") != ("choices" in item):
        raise WorkflowInvalid(f"{where}.choices: must be there if, and only if, type is choice")
    if kind == "choice":
        choices = item["choices"]
        plain = isinstance(choices, list) and all(isinstance(c, str | int | float) for c in choices)
        if not plain or not choices:
            raise WorkflowInvalid(f"{where}.choices: must be a list of texts or numbers")
        rule = evolve(rule, choices=tuple(choices))
    return rule


def _ranged(where: str, rule: Rule, said: Any) -> Rule:
    if rule.kind not in {"int", "float"}:
        raise WorkflowInvalid(f"{where}: only numbers have one")
    if not isinstance(said, list) or len(said) != 2:
        raise WorkflowInvalid(f"{where}: must be [smallest, largest]")
    if any(fault(Rule(kind=rule.kind), end) is not None for end in said) or said[0] > said[1]:
        raise WorkflowInvalid(f"{where}: must be two numbers of the kind, the smaller one first")
    return evolve(rule, minimum=said[0], maximum=said[1])
