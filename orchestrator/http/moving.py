"""Endpoints of the gallery: moving and renaming files and folders."""

from __future__ import annotations

from typing import Literal

from aiohttp import web
from attrs import field, frozen

from orchestrator import errors
from orchestrator.gallery.fileops.renaming import ByRegex, ByTemplate, Mode, Numbered
from orchestrator.gallery.fileops.requests import Conflict, Moved, Report
from orchestrator.http.endpoint import endpoint
from orchestrator.http.fields import about
from orchestrator.http.gallery import CHANGE, FILE_PATH, PROJECT_PATH, TAGS
from orchestrator.http.many import MANY, MANY_BYTES, RefusedFile
from orchestrator.http.middleware import ACTOR
from orchestrator.services import FILES, RENAMER

#: What a request that moves files may be refused with as a whole.
MOVE = (*CHANGE, errors.FilesUnsettled)

BATCH = about("Names this edit, to undo it whole.")
FILES_FIELD = about(
    "Relative to the project, or absolute inside it.", min_length=1, max_length=MANY
)


@frozen(kw_only=True, repr=False)
class MovedFile:
    """From where to where; both relative to the project."""

    old_path: str
    new_path: str


@frozen(kw_only=True, repr=False)
class ReplacedFile:
    """A file that was put into the trash to make room."""

    path: str
    trash_id: str


@frozen(kw_only=True, repr=False)
class MoveFiles:
    """Which files and folders go where."""

    project_path: str = field(metadata=PROJECT_PATH)
    files: list[str] = field(metadata=FILES_FIELD)
    destination: str = field(
        metadata=about("A folder of the project; it is made if need be.", example="Panel_02")
    )
    conflict: Literal["rename", "skip", "overwrite"] = field(
        default="rename",
        metadata=about("If a name is taken; `overwrite` puts what is there into the trash."),
    )


@frozen(kw_only=True, repr=False)
class MovedFiles:
    """What became of the files."""

    moved: list[MovedFile]
    skipped: list[str]
    errors: list[RefusedFile]
    replaced: list[ReplacedFile]
    batch: str = field(metadata=BATCH)


def errors_of(files: tuple[Moved, ...]) -> list[RefusedFile]:
    """The files that stayed where they were, and why."""
    return [
        RefusedFile(file_path=file.asked, code=file.error.code, message=str(file.error))
        for file in files
        if file.error is not None
    ]


def moved_of(files: tuple[Moved, ...]) -> list[MovedFile]:
    """The files that lie elsewhere now."""
    return [
        MovedFile(old_path=file.path, new_path=file.to)
        for file in files
        if file.path is not None and file.to is not None and file.to != file.path
    ]


@endpoint(
    "POST",
    "/api/gallery/move-files",
    request=MoveFiles,
    response=MovedFiles,
    dialect=True,
    tags=TAGS,
    errors=MOVE,
    body_limit=MANY_BYTES,
    example={
        "projectPath": "/mnt/Projects/Eliot",
        "files": ["Panel_01/a.png"],
        "destination": "Panel_02",
    },
)
async def move_files(request: web.Request, asked: MoveFiles) -> MovedFiles:
    """Move files and folders into a folder of the project.

    Ratings, tags and notes stay with the files, sidecars (`a.json`, `a.txt`, `a.xmp`) go along,
    and times are kept. Files that cannot be moved stand in `errors`; the others are moved.
    """
    report = await request.app[FILES].move(
        asked.project_path,
        asked.files,
        asked.destination,
        Conflict(asked.conflict),
        request[ACTOR],
    )
    return MovedFiles(
        moved=moved_of(report.files),
        skipped=[file.asked for file in report.files if file.skipped],
        errors=errors_of(report.files),
        replaced=[
            ReplacedFile(path=file.path, trash_id=file.trash)
            for file in report.replaced
            if file.path is not None and file.trash is not None
        ],
        batch=report.batch,
    )


@frozen(kw_only=True, repr=False)
class RenameFile:
    """A file or folder and its new name."""

    project_path: str = field(metadata=PROJECT_PATH)
    file_path: str = field(metadata=FILE_PATH)
    new_name: str = field(metadata=about("A name, not a path.", example="hero.png"))


@frozen(kw_only=True, repr=False)
class RenamedFile:
    """Where the file lay, and where it lies now."""

    old_path: str
    new_path: str
    batch: str = field(metadata=BATCH)


@endpoint(
    "POST",
    "/api/gallery/rename-file",
    request=RenameFile,
    response=RenamedFile,
    dialect=True,
    tags=TAGS,
    errors=(*MOVE, errors.NameInvalid, errors.FileCollides, errors.FileNotMoved),
)
async def rename_file(request: web.Request, asked: RenameFile) -> RenamedFile:
    """Give a file or folder another name in its folder. Nothing is ever replaced."""
    report = await request.app[FILES].rename(
        asked.project_path, asked.file_path, asked.new_name, request[ACTOR]
    )
    (file,) = report.files
    assert file.path is not None  # what is not there was refused
    return RenamedFile(old_path=file.path, new_path=file.to or file.path, batch=report.batch)


@frozen(kw_only=True, repr=False)
class BatchRename:
    """Which files get new names, and how these are made."""

    project_path: str = field(metadata=PROJECT_PATH)
    files: list[str] = field(metadata=FILES_FIELD)
    mode: Literal["template", "regex", "sequential"] = "template"
    template: str | None = field(
        default=None,
        metadata=about("For `template`: text and tokens.", example="{project}_{panel}_v{seq:3}"),
    )
    find: str | None = field(default=None, metadata=about("For `regex`: what to look for."))
    replace: str | None = field(
        default=None, metadata=about("For `regex`: what to put there; `$1` is a group.")
    )
    whole_name: bool = field(
        default=False, metadata=about("For `regex`: look into the extension, too.")
    )
    ignore_case: bool = field(default=False, metadata=about("For `regex`."))
    prefix: str | None = field(
        default=None, metadata=about("For `sequential`: what stands before the number.")
    )
    start_number: int = field(default=1, metadata=about("The first number.", ge=0, le=999_999_999))
    padding: int = field(default=3, metadata=about("Digits of a number.", ge=1, le=9))
    dry_run: bool = field(
        default=False, metadata=about("Show what would be done, with every collision.")
    )


@frozen(kw_only=True, repr=False)
class RenamePlan:
    """What a file is to be called."""

    old_path: str
    old_name: str
    new_path: str
    new_name: str
    collision: str | None = field(metadata=about("Why it cannot be called so; null if it can."))


@frozen(kw_only=True, repr=False)
class BatchRenamed:
    """The plan, and what was done of it."""

    dry_run: bool
    plan: list[RenamePlan]
    renamed: list[MovedFile]
    errors: list[RefusedFile]
    batch: str | None = field(metadata=BATCH)


@endpoint(
    "POST",
    "/api/gallery/batch-rename",
    request=BatchRename,
    response=BatchRenamed,
    dialect=True,
    tags=TAGS,
    errors=(*MOVE, errors.PatternInvalid),
    body_limit=MANY_BYTES,
    example={
        "projectPath": "/mnt/Projects/Eliot",
        "files": ["Panel_01/a.png", "Panel_01/b.png"],
        "mode": "template",
        "template": "{project}_{panel}_v{seq:3}",
        "dryRun": True,
    },
)
async def batch_rename(request: web.Request, asked: BatchRename) -> BatchRenamed:
    """Rename many files by a template, a regular expression, or numbers.

    Tokens of a template: `{project} {panel} {seq:3} {original} {index} {index:03d} {date} {time}
    {year} {month} {day} {folder} {ext} {seed} {model}`. Numbers rise in the order of `files`.
    Swaps and chains are fine. With `dryRun` nothing is changed.
    """
    return await _rename(request, asked.project_path, asked.files, _mode(asked), asked.dry_run)


def _mode(asked: BatchRename) -> Mode:
    match asked.mode:
        case "template":
            template = _needed("template", asked.template)
            return ByTemplate(template, asked.start_number, asked.padding)
        case "regex":
            return ByRegex(
                _needed("find", asked.find),
                asked.replace or "",
                whole_name=asked.whole_name,
                ignore_case=asked.ignore_case,
            )
        case "sequential":
            prefix = asked.prefix if asked.prefix is not None else asked.template or ""
            return Numbered(prefix, asked.start_number, asked.padding)


def _needed(name: str, value: str | None) -> str:
    if value is None:
        raise errors.InvalidFields((errors.Fault(name, "is needed for this mode"),))
    return value


async def _rename(
    request: web.Request, project_path: str, files: list[str], mode: Mode, dry_run: bool
) -> BatchRenamed:
    wished = await request.app[RENAMER].wishes(project_path, files, mode)
    if dry_run:
        previewed = await request.app[FILES].preview(project_path, wished.names)
        report = Report("", (*previewed, *wished.missing))
    else:
        made = await request.app[FILES].rename_all(project_path, wished.names, request[ACTOR])
        report = Report(made.batch, (*made.files, *wished.missing))
    return BatchRenamed(
        dry_run=dry_run,
        plan=[_plan(file, wished.names[file.asked]) for file in report.files if file.path],
        renamed=[] if dry_run else moved_of(report.files),
        errors=errors_of(report.files),
        batch=report.batch or None,
    )


def _plan(file: Moved, name: str) -> RenamePlan:
    assert file.path is not None  # those without one are no part of a plan
    folder, slash, old = file.path.rpartition("/")
    collision = None if file.error is None else str(file.error)
    return RenamePlan(
        old_path=file.path,
        old_name=old,
        new_path=f"{folder}{slash}{name}",
        new_name=name,
        collision=collision,
    )


@frozen(kw_only=True, repr=False)
class AutoRename:
    """Which folder gets names by the project's convention."""

    project_path: str = field(metadata=PROJECT_PATH)
    folder_path: str = field(metadata=about("Relative to the project.", example="Panel_01"))
    template: str = field(
        default="{project}_{panel}_v{seq:3}", metadata=about("As in `batch-rename`.")
    )
    start_number: int = field(default=1, metadata=about("The first number.", ge=0))
    dry_run: bool = field(
        default=False, metadata=about("Show what would be done, with every collision.")
    )


@endpoint(
    "POST",
    "/api/gallery/auto-rename",
    request=AutoRename,
    response=BatchRenamed,
    dialect=True,
    tags=TAGS,
    errors=(*MOVE, errors.PatternInvalid),
)
async def auto_rename(request: web.Request, asked: AutoRename) -> BatchRenamed:
    """Number all files of a folder by the project's convention, the oldest first."""
    files = await request.app[RENAMER].oldest_first(asked.project_path, asked.folder_path)
    mode = ByTemplate(asked.template, asked.start_number)
    return await _rename(request, asked.project_path, files, mode, asked.dry_run)
