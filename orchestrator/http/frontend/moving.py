"""How the frontend moves and renames files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from aiohttp import web
from attrs import field, frozen

from orchestrator.http import moving
from orchestrator.http.fields import about
from orchestrator.http.frontend.placing import project_to_change, project_to_read, root_of
from orchestrator.http.frontend.speaking import speaks
from orchestrator.http.frontend.wording import (
    ANY_PROJECT,
    ERRORS,
    FILE_PATH,
    FILE_PATHS,
    FOLDER_PATH,
    SUCCESS,
    absolute,
    folder_of,
    outcome,
    succeeded,
    told,
)

_DRY_RUN = about("Only show what would be done, with every collision.")


@frozen(kw_only=True, repr=False)
class MoveFiles:
    """Which files and folders go where."""

    file_paths: list[str] = field(metadata=FILE_PATHS)
    target_folder: str = field(
        metadata=about(
            "A folder of the project; it is made if need be.",
            aliases=("destination",),
            example="/mnt/Projects/Eliot/Panel_02",
        )
    )
    project_path: str = field(default="", metadata=ANY_PROJECT)
    conflict: Literal["rename", "skip", "overwrite"] = field(
        default="rename",
        metadata=about("If a name is taken; `overwrite` puts what is there into the trash."),
    )


@frozen(kw_only=True, repr=False)
class MovedPath:
    """From where to where; both absolute."""

    old_path: str
    new_path: str


@frozen(kw_only=True, repr=False)
class MovedFiles:
    """What became of the files."""

    success: bool = field(metadata=SUCCESS)
    message: str
    moved: list[MovedPath]
    skipped: list[str]
    errors: list[str] = field(metadata=ERRORS)


@speaks(
    moving.move_files,
    request=MoveFiles,
    response=MovedFiles,
    example={
        "project_path": "/mnt/Projects/Eliot",
        "file_paths": ["/mnt/Projects/Eliot/Panel_01/a.png"],
        "target_folder": "/mnt/Projects/Eliot/Panel_02",
        "conflict": "rename",
    },
)
async def move_files(request: web.Request, asked: MoveFiles) -> MovedFiles:
    """Move files and folders into a folder of the project."""
    project = await project_to_change(request, asked.project_path, asked.file_paths[0])
    done: moving.MovedFiles = await moving.move_files.handler(
        request,
        moving.MoveFiles(
            project_path=project,
            files=asked.file_paths,
            destination=folder_of(asked.target_folder),
            conflict=asked.conflict,
        ),
    )
    root = await root_of(request, project)
    settled = (*done.moved, *done.skipped)
    message = outcome("moved", done.moved, done.errors)
    if done.skipped:
        message += f"; {len(done.skipped):,} skipped, since their names are taken"
    return MovedFiles(
        success=succeeded(settled, done.errors),
        message=message,
        moved=[
            MovedPath(
                old_path=absolute(root, file.old_path), new_path=absolute(root, file.new_path)
            )
            for file in done.moved
        ],
        skipped=done.skipped,
        errors=told(done.errors),
    )


@frozen(kw_only=True, repr=False)
class RenameFile:
    """A file or folder and its new name."""

    file_path: str = field(metadata=FILE_PATH)
    new_name: str = field(metadata=about("A name with its ending, not a path.", example="a.png"))
    project_path: str = field(default="", metadata=ANY_PROJECT)


@frozen(kw_only=True, repr=False)
class RenamedFile:
    """Where the file lay, and where it lies now; both absolute."""

    message: str
    old_path: str
    new_path: str


@speaks(
    moving.rename_file,
    request=RenameFile,
    response=RenamedFile,
    example={
        "project_path": "/mnt/Projects/Eliot",
        "file_path": "/mnt/Projects/Eliot/Panel_01/a.png",
        "new_name": "hero.png",
    },
)
async def rename_file(request: web.Request, asked: RenameFile) -> RenamedFile:
    """Give a file or folder another name in its folder. Nothing is ever replaced."""
    project = await project_to_change(request, asked.project_path, asked.file_path)
    done: moving.RenamedFile = await moving.rename_file.handler(
        request,
        moving.RenameFile(project_path=project, file_path=asked.file_path, new_name=asked.new_name),
    )
    root = await root_of(request, project)
    return RenamedFile(
        message=f"Renamed to {asked.new_name}",
        old_path=absolute(root, done.old_path),
        new_path=absolute(root, done.new_path),
    )


@frozen(kw_only=True, repr=False)
class BatchRename:
    """Which files get new names, and how these are made."""

    file_paths: list[str] = field(metadata=FILE_PATHS)
    pattern: str = field(
        metadata=about(
            "Text and tokens: {original} {index} {index:03d} {date} {time} {year} {month} {day} "
            "{folder} {ext} {project} {panel} {seq:3} {seed} {model}.",
            aliases=("template",),
            example="hero_{index}",
        )
    )
    start_index: int = field(
        default=1,
        metadata=about("The first number.", aliases=("start_number",), ge=0, le=999_999_999),
    )
    pad_width: int = field(
        default=3, metadata=about("Digits of a number.", aliases=("padding",), ge=1, le=9)
    )
    project_path: str = field(default="", metadata=ANY_PROJECT)
    dry_run: bool = field(default=True, metadata=_DRY_RUN)


@frozen(kw_only=True, repr=False)
class Preview:
    """What a file is to be called, or is called now; paths are absolute."""

    old_path: str
    old_name: str
    new_name: str
    new_path: str


@frozen(kw_only=True, repr=False)
class BatchRenamed:
    """In a dry run, what would be done; else what was done."""

    success: bool = field(metadata=SUCCESS)
    message: str
    dry_run: bool
    previews: list[Preview] = field(
        metadata=about("Those that could be, or were, renamed; a dry run shows all others, too.")
    )
    renamed: int
    errors: list[str] = field(metadata=ERRORS)


@speaks(
    moving.batch_rename,
    request=BatchRename,
    response=BatchRenamed,
    example={
        "project_path": "/mnt/Projects/Eliot",
        "file_paths": ["/mnt/Projects/Eliot/Panel_01/a.png"],
        "pattern": "hero_{index}",
        "dry_run": True,
    },
)
async def batch_rename(request: web.Request, asked: BatchRename) -> BatchRenamed:
    """Show what files would be called, or rename them."""
    project = await project_to_change(request, asked.project_path, asked.file_paths[0])
    done: moving.BatchRenamed = await moving.batch_rename.handler(
        request,
        moving.BatchRename(
            project_path=project,
            files=asked.file_paths,
            template=asked.pattern,
            start_number=asked.start_index,
            padding=asked.pad_width,
            dry_run=asked.dry_run,
        ),
    )
    return _renamed(await root_of(request, project), done)


@frozen(kw_only=True, repr=False)
class AutoRename:
    """Which folder's files get numbered names."""

    folder_path: str = field(metadata=FOLDER_PATH)
    naming_pattern: str = field(
        default="{folder}_{index:03d}",
        metadata=about("As `pattern` of batch-rename.", aliases=("template",)),
    )
    project_path: str = field(default="", metadata=ANY_PROJECT)
    dry_run: bool = field(default=True, metadata=_DRY_RUN)


@speaks(moving.auto_rename, request=AutoRename, response=BatchRenamed)
async def auto_rename(request: web.Request, asked: AutoRename) -> BatchRenamed:
    """Number all files of a folder, the oldest first, or show what that would do."""
    if asked.dry_run:
        project = await project_to_read(request, asked.project_path, asked.folder_path)
    else:
        inside = f"{folder_of(asked.folder_path)}/"
        project = await project_to_change(request, asked.project_path, inside)
    done: moving.BatchRenamed = await moving.auto_rename.handler(
        request,
        moving.AutoRename(
            project_path=project,
            folder_path=asked.folder_path,
            template=asked.naming_pattern,
            dry_run=asked.dry_run,
        ),
    )
    return _renamed(await root_of(request, project), done)


def _renamed(root: Path, done: moving.BatchRenamed) -> BatchRenamed:
    """The plan as previews.

    The storyboard re-points its panels by what stands in them after a real run, so only files
    that are called so now may stand there.
    """
    plan = [each for each in done.plan if done.dry_run or each.collision is None]
    verb = "would be renamed" if done.dry_run else "renamed"
    could = [each for each in plan if each.collision is None]
    return BatchRenamed(
        success=done.dry_run or succeeded(done.renamed, done.errors),
        message=outcome(verb, could if done.dry_run else done.renamed, done.errors),
        dry_run=done.dry_run,
        previews=[
            Preview(
                old_path=absolute(root, each.old_path),
                old_name=each.old_name,
                new_name=each.new_name,
                new_path=absolute(root, each.new_path),
            )
            for each in plan
        ],
        renamed=len(done.renamed),
        errors=told(done.errors),
    )
