"""Taking a fetched file into a project: is it whole, what is it called, and its place. Blocks."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from PIL import Image

from events.log.disk_io import DiskIO
from orchestrator.commands.curation import Sighting
from orchestrator.errors import PathNotPermitted
from orchestrator.gallery import naming
from orchestrator.gallery.fingerprint import head
from orchestrator.gallery.listing import stat_file
from orchestrator.gallery.place import put_in_place


def picture_fault(path: Path, media_type: str) -> str | None:
    """Why a file is not the picture that it says to be; None if it is, or is no picture.

    The pixels are not decoded: for PNG, whose chunks carry checksums, this reads the whole file
    all the same. A kind of picture that Pillow does not know is believed.
    """
    if (
        not media_type.startswith("image/")
        or path.suffix.lower() not in Image.registered_extensions()
    ):
        return None
    try:
        with Image.open(path) as picture:
            picture.verify()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as exc:
        return f"{path.suffix} cannot be read: {exc}"
    return None


def free_name(
    project: Path,
    template: str,
    tokens: Mapping[str, str | int],
    suffix: str,
    promised: Collection[str] = (),
) -> str:
    """A path relative to the project that nobody has yet, with the next version.

    `promised` are more paths, relative to the project, that count as taken.

    Raises:
        TemplateInvalid: the template cannot make a name.
    """
    parts = naming.render_open(template, tokens).split("/")
    # A version may stand in a folder's name; then all below the folders before it counts.
    fixed = next((i for i, part in enumerate(parts[:-1]) if "{" in part), len(parts) - 1)
    folder = project.joinpath(*parts[:fixed])
    deep = fixed < len(parts) - 1
    taken = _names_below(folder) if deep else _names(folder)
    before = "".join(f"{part}/" for part in parts[:fixed])
    taken += [name.removeprefix(before) for name in promised if name.startswith(before)]
    free = naming.next_name(taken, "/".join(parts[fixed:]), suffix)
    return "/".join((*parts[:fixed], free))


def _names(folder: Path) -> list[str]:
    return os.listdir(folder) if folder.is_dir() else []  # noqa: PTH208  # names are all we need


def _names_below(folder: Path) -> list[str]:
    return [
        Path(at, name).relative_to(folder).as_posix()
        for at, _, names in os.walk(folder)
        for name in names
    ]


def take_place(staged: Path, project: Path, relative: str, disk: DiskIO) -> Sighting:
    """Move a staged file to its name in the project, and look at it there.

    Raises:
        FileExistsError: somebody took the name meanwhile; nothing was changed.
        PathNotPermitted: a link in the project leads out of it.
        OSError: the share refuses; the staged file is still there.
    """
    target = project / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    real = target.parent.resolve()
    if not real.is_relative_to(project.resolve()):
        raise PathNotPermitted(str(real), (str(project),))
    put_in_place(staged, target, disk)
    return sight(project, relative)


def sight(project: Path, relative: str) -> Sighting:
    """A file of the project as it is now.

    Raises:
        FileMissing: it is not there.
        FileChanging: somebody is writing it.
        OSError: it cannot be read.
    """
    path = project / relative
    file = stat_file(path)
    return Sighting(relative, file.size, file.mtime_ns, head(path, file.size))
