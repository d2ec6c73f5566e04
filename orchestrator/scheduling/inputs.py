"""Finds the files that a job needs when it is ordered, and refuses those that it may not have.

They are files of this host's shares, in the permitted folders, and outputs of other jobs. What is
found stands in the log with the job; each attempt uploads it (`uploading.py`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from attrs import frozen

from orchestrator.comfyui.file_inputs import (
    ClassInput,
    FileInput,
    climbs,
    file_inputs,
    has_note,
    plain,
    upload_inputs_with,
)
from orchestrator.comfyui.graph import Workflow, class_of, inputs_of
from orchestrator.errors import InputInvalid, InputMissing
from orchestrator.paths.roots import Roots
from orchestrator.scheduling.input_files import check_file, forbidden, inside, permitted

_REFERENCE = re.compile(r"job:(?P<job>[A-Za-z0-9_-]{1,100})(?::(?P<output>[0-9]{1,6}))?")


@frozen(kw_only=True)
class JobInput:
    """A file that an input of a workflow needs: one of a share, or an output of another job."""

    node: str
    input: str
    #: Relative to the project with `/`, or absolute; None if another job makes the file.
    path: str | None = None
    job: str | None = None
    #: Which of that job's outputs, from 0; None without a job.
    output: int | None = None

    @property
    def value(self) -> str:
        """The file as people write it."""
        return self.path if self.path is not None else f"job:{self.job}:{self.output}"

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the event `job.queued`."""
        place = {"node": self.node, "input": self.input}
        if self.path is not None:
            return place | {"path": self.path}
        return place | {"job": self.job, "output": self.output}

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Self:
        """What `to_dict` gave.

        Raises:
            InputInvalid: It is something else.
        """
        match said:
            case {"node": str(node), "input": str(key), "path": str(path)} if len(said) == 3:
                return cls(node=node, input=key, path=path)
            case {"node": str(node), "input": str(key), "job": str(job), "output": int(n)} if (
                len(said) == 4 and not isinstance(n, bool) and n >= 0
            ):
                return cls(node=node, input=key, job=job, output=n)
        node, key = str(said.get("node")), str(said.get("input"))
        raise InputInvalid(node, key, repr(dict(said)), "it is no input of a job")


def spelled(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters in which outputs of jobs are texts, so that they fit into inputs that take texts.

    `{"job": "<id>", "output": 1}` becomes `job:<id>:1`; all else stays as it is. Pure.
    """
    return {name: _as_text(value) or value for name, value in parameters.items()}


def depends_on(inputs: Iterable[JobInput]) -> tuple[str, ...]:
    """The jobs whose outputs are needed, each once. Pure."""
    return tuple(dict.fromkeys(each.job for each in inputs if each.job is not None))


def resolve(
    graph: Workflow,
    roots: Roots,
    project: Path,
    *,
    uploads: frozenset[ClassInput] = frozenset(),
    on_shares: bool = False,
) -> tuple[Workflow, tuple[JobInput, ...]]:
    """Find the files that a workflow needs, and refuse those that it may not have. Blocks.

    In inputs that take uploads, an absolute path (of any system, translated by the mappings) and a
    path with a separator that exists in the project are to be uploaded; any other name is taken
    for a file that the backend has in its own folders.

    Args:
        graph: A workflow that has passed `workflow.check`, with its parameters set; not changed.
        roots: The permitted folders.
        project: The folder of the job's project.
        uploads: Inputs that take uploads besides the known ones, as the backends told.
        on_shares: Whether backends see the permitted folders themselves. If so, nodes that take
            no uploads may be given absolute paths in them; if not, such paths are refused.

    Returns:
        The workflow, in which outputs of jobs are texts, and what is to be uploaded.

    Raises:
        InputForbidden: A path outside the permitted folders, or in an input of no uploads.
        InputMissing: There is no such file, or it is a folder.
        InputTooLarge: No backend would take it.
        InputInvalid: What looks like a job's output cannot be read as one.
        FileUnreadable: The share does not let us look now.
    """
    graph, found = _references(graph, upload_inputs_with(uploads))
    referring = {(each.node, each.input) for each in found}
    for one in file_inputs(graph, uploads):
        if (one.node, one.input) in referring:
            continue
        if not one.takes_uploads:
            _check_untouched(one, roots, on_shares=on_shares)
        elif (path := _source(one, roots, project)) is not None:
            found.append(JobInput(node=one.node, input=one.input, path=path))
    return graph, tuple(found)


def _references(graph: Workflow, known: frozenset[ClassInput]) -> tuple[Workflow, list[JobInput]]:
    """The outputs of jobs that a workflow names, and the workflow with their names as texts."""
    found: list[JobInput] = []
    for node in graph:
        for key, value in inputs_of(graph, node).items():
            if (class_of(graph, node), key) not in known:
                continue
            text = _as_text(value)
            if text is None and isinstance(value, dict):
                raise InputInvalid(node, key, repr(value)[:1000], "it names no output of a job")
            text = text or (value if isinstance(value, str) else "")
            if not text.startswith("job:"):
                continue
            named = _REFERENCE.fullmatch(text)
            if named is None:
                raise InputInvalid(node, key, text, "it names no output of a job")
            one = JobInput(node=node, input=key, job=named["job"], output=int(named["output"] or 0))
            found.append(one)
    for one in found:
        graph = patched(graph, one, one.value)
    return graph, found


def _as_text(value: Any) -> str | None:
    """`job:<id>:<n>` for an object that names an output of a job; None for anything else."""
    match value:
        case {"job": str(job), **rest} if not rest.keys() - {"output"}:
            output = rest.get("output", 0)
            whole = isinstance(output, int) and not isinstance(output, bool)
            return f"job:{job}:{output}" if whole else None
    return None


def _check_untouched(one: FileInput, roots: Roots, *, on_shares: bool) -> None:
    """Refuse a path that leads out of the backend's folders and stays in the workflow."""
    if one.kind != "outside":
        return
    if not on_shares:
        raise forbidden(one, "a node that takes no uploads may only read the backend's own folders")
    if climbs(plain(one.value)):
        raise forbidden(one, "it climbs out of its folder")
    permitted(one, plain(one.value), roots)


def _source(one: FileInput, roots: Roots, project: Path) -> str | None:
    """The path of a file that is to be uploaded; None for a name that only the backend knows."""
    text = plain(one.value)
    match one.kind:
        case "outside":
            raise forbidden(one, "it climbs out of its folder")
        case "upload":
            real = permitted(one, text, roots)
            check_file(one, real)
            root = Path(os.path.realpath(project))
            return real.relative_to(root).as_posix() if real.is_relative_to(root) else str(real)
        case "name":
            if has_note(one.value) or not re.search(r"[/\\]", text):
                return None
            path = inside(one, text, roots, project)
            try:
                check_file(one, path)
            except InputMissing:
                return None
            return path.relative_to(project).as_posix()


def patched(graph: Workflow, one: JobInput, value: str) -> Workflow:
    """A workflow with another text in one input; what else it holds is shared. Pure.

    Raises:
        InputInvalid: The workflow has no such input.
    """
    node = graph.get(one.node)
    if node is None or one.input not in node["inputs"]:
        raise InputInvalid(one.node, one.input, one.value, "the workflow has no such input")
    return graph | {one.node: node | {"inputs": node["inputs"] | {one.input: value}}}
