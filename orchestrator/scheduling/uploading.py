"""Uploads the files that a job needs to the backend of an attempt, named by their content."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from orchestrator.comfyui.client import ComfyClient
from orchestrator.comfyui.graph import Workflow
from orchestrator.errors import FileChanging, FileUnreadable, InputMissing
from orchestrator.paths.roots import SERVICE_FOLDER, Roots
from orchestrator.scheduling.input_files import check_file, inside, permitted, unreadable
from orchestrator.scheduling.inputs import JobInput, patched

#: Folder of our uploads in the backend's input folder.
SUBFOLDER = "orchestrator"
#: Characters of the content's digest in a file's name: 80 bits, so that no two files share one.
_DIGEST_CHARS = 20

_SUFFIX = re.compile(r"\.[a-z0-9]{1,10}")

#: Finds the file that a job made as its n-th output, from 0; None if there is none.
LocateOutput = Callable[[str, int], Path | None]


async def upload_inputs(
    inputs: Iterable[JobInput],
    graph: Workflow,
    client: ComfyClient,
    project: Path,
    roots: Roots,
    locate_output: LocateOutput,
) -> Workflow:
    """Give a backend the files that a job needs; returns a workflow with their names there.

    Every attempt uploads anew: what lies on a backend may be deleted at any time, and the same
    content gets the same name, so that a second upload changes nothing.

    Raises:
        InputMissing, InputForbidden, InputTooLarge, InputInvalid: It will never work.
        FileUnreadable, FileChanging: The share does not answer, or a file is still being written.
        BackendUnreachable: Another attempt or another backend may do.
        BackendRefused: The backend's limit is smaller than ComfyUI's own.
    """
    names: dict[Path, str] = {}
    for one in inputs:
        path = one.path if one.job is None else _made(one, locate_output)
        source = await asyncio.to_thread(_to_send, one, path or "", project, roots)
        if source not in names:
            names[source] = await _upload(one, source, client)
        graph = patched(graph, one, names[source])
    return graph


def _made(one: JobInput, locate_output: LocateOutput) -> str:
    """The path of another job's output."""
    made = locate_output(one.job or "", one.output or 0)
    if made is None:
        raise InputMissing(one.node, one.input, one.value, "the job has made no such output")
    return str(made)


def _to_send(one: JobInput, path: str, project: Path, roots: Roots) -> Path:
    """The file to upload; asked anew, since a link may have been put there meanwhile. Blocks."""
    if Path(path).is_absolute():
        return permitted(one, path, roots)
    if not os.path.isdir(project / SERVICE_FOLDER):  # noqa: PTH112 - False whatever the error is
        raise FileUnreadable(str(project), "the share of the project is not mounted")
    return inside(one, path, roots, project)


async def _upload(one: JobInput, source: Path, client: ComfyClient) -> str:
    """Upload a file that stays as it is meanwhile; returns what the input is to say."""
    try:
        before, digest = await asyncio.to_thread(_looked_at, one, source)
        suffix = source.suffix.lower() if _SUFFIX.fullmatch(source.suffix.lower()) else ""
        name = digest[:_DIGEST_CHARS] + suffix
        uploaded = await client.upload_image(source, name, subfolder=SUBFOLDER)
        after = await asyncio.to_thread(source.stat)
    except OSError as exc:
        raise unreadable(one, source, exc) from exc
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise FileChanging(str(source))
    return uploaded.value


def _looked_at(one: JobInput, source: Path) -> tuple[os.stat_result, str]:
    """A file as it is now, and the digest of its content. Blocks."""
    said = check_file(one, source)
    with source.open("rb") as file:
        return said, hashlib.file_digest(file, "sha256").hexdigest()
