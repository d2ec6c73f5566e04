"""Endpoints of folders: which pictures, panels and versions lie in them."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from attrs import field, frozen

from orchestrator import errors
from orchestrator.folders.pictures import MAX_IMAGES, Picture
from orchestrator.folders.renders import (
    MAX_FILES,
    MAX_SIDECAR_BYTES,
    MAX_SIDECARS,
    MAX_SKIPPED,
    Renders,
)
from orchestrator.http.endpoint import endpoint
from orchestrator.http.fields import about
from orchestrator.http.folders import FOLDER, FOLDER_PATH, MESSAGE, SUCCESS, TAGS
from orchestrator.services import FOLDERS

_PATTERN = about(
    "Text, tokens such as {project}, {panel} and {version}, and the wildcards * and ?; no regular "
    "expression. The naming template of the service if empty.",
    aliases=("naming_pattern",),
    example="{project}_{panel}_v{version}",
)
_SHAPE = about(
    "As the pattern of `scan-versions`; with `/` in it, folders must fit, too. Without one all "
    "files are shown, and read as far as they can be.",
    aliases=("pattern",),
    example="{panel}/{project}_{panel}_v{version}",
)


@frozen(kw_only=True, repr=False)
class ScanImages:
    """Which folder."""

    folder_path: str = field(metadata=FOLDER_PATH)


@frozen(kw_only=True, repr=False)
class ImageView:
    """A picture or video."""

    filename: str
    image_path: str
    modified_time: float = field(metadata=about("Seconds since 1970."))
    size: int = field(metadata=about("Bytes."))
    type: str = field(metadata=about("image or video.", example="image"))


def _view(found: Picture) -> ImageView:
    return ImageView(
        filename=found.name,
        image_path=found.path,
        modified_time=found.modified,
        size=found.size,
        type=found.kind,
    )


@frozen(kw_only=True, repr=False)
class FolderImages:
    """The pictures of one folder, the latest first."""

    success: bool = field(metadata=SUCCESS)
    message: str = field(metadata=MESSAGE)
    images: list[ImageView]
    total: int = field(metadata=about("How many there are."))
    truncated: bool = field(metadata=about(f"Whether there are more than {MAX_IMAGES:,}."))


@endpoint(
    "POST",
    "/api/scan-folder-images",
    request=ScanImages,
    response=FolderImages,
    extra="ignore",
    tags=TAGS,
    errors=FOLDER,
)
async def scan_folder_images(request: web.Request, asked: ScanImages) -> FolderImages:
    """The pictures and videos of one folder, the latest first. Hidden ones are not shown."""
    pictures = await request.app[FOLDERS].pictures(asked.folder_path)
    total = len(pictures.found) + pictures.left_out
    return FolderImages(
        success=True,
        message=f"{total:,} images" + _without(pictures.left_out, "older ones") + ".",
        images=[_view(found) for found in pictures.found],
        total=total,
        truncated=pictures.left_out > 0,
    )


def _without(count: int, what: str) -> str:
    return f"; {count:,} {what} are not shown" if count else ""


@frozen(kw_only=True, repr=False)
class ScanPanels:
    """Which project."""

    project_path: str = field(
        metadata=about(
            "Absolute path of the project's folder.",
            aliases=("folder_path", "path"),
            example="/mnt/Projects/Eliot",
        )
    )


@frozen(kw_only=True, repr=False)
class PanelView:
    """A folder of the project."""

    panel_name: str
    folder_path: str
    images: list[ImageView] = field(metadata=about("The oldest first."))


@frozen(kw_only=True, repr=False)
class PanelsView:
    """The folders of a project in natural order; one without pictures is a panel, too."""

    success: bool = field(metadata=SUCCESS)
    message: str = field(metadata=MESSAGE)
    panels: list[PanelView]
    total_panels: int
    total_images: int
    skipped: dict[str, str] = field(
        metadata=about("Folders that the share does not let us look into, with the reason.")
    )
    truncated: bool = field(metadata=about("Whether there is more than an answer holds."))


@endpoint(
    "POST",
    "/api/scan-project-panels",
    request=ScanPanels,
    response=PanelsView,
    extra="ignore",
    tags=TAGS,
    errors=FOLDER,
)
async def scan_project_panels(request: web.Request, asked: ScanPanels) -> PanelsView:
    """The folders directly in a project's folder, with their pictures and videos."""
    panels = await request.app[FOLDERS].panels(asked.project_path)
    images = sum(len(panel.pictures) for panel in panels.found)
    total, total_images = (
        len(panels.found) + panels.panels_left_out,
        images + panels.images_left_out,
    )
    told = (
        f"{total:,} panels with {total_images:,} images"
        + _without(panels.panels_left_out, "panels")
        + _without(panels.images_left_out, "images")
    )
    return PanelsView(
        success=True,
        message=f"{told}.",
        panels=[
            PanelView(
                panel_name=panel.name,
                folder_path=panel.path,
                images=[_view(found) for found in panel.pictures],
            )
            for panel in panels.found
        ],
        total_panels=total,
        total_images=total_images,
        skipped=panels.unreadable,
        truncated=panels.panels_left_out > 0 or panels.images_left_out > 0,
    )


@frozen(kw_only=True, repr=False)
class ScanVersions:
    """Which folder, and how its files are named."""

    folder_path: str = field(metadata=FOLDER_PATH)
    pattern: str = field(default="", metadata=_PATTERN)


@frozen(kw_only=True, repr=False)
class VersionsView:
    """The highest version of each panel, as its file spells it."""

    success: bool = field(metadata=SUCCESS)
    message: str = field(metadata=MESSAGE)
    panel_versions: dict[str, str] = field(
        metadata=about(
            "By the name of the panel's folder; one without versions has none.",
            example={"Panel_01": "006"},
        )
    )


async def _versions(request: web.Request, asked: ScanVersions) -> VersionsView:
    found = await request.app[FOLDERS].versions(asked.folder_path, asked.pattern)
    told = f"{len(found):,} panels have versions."
    return VersionsView(success=True, message=told, panel_versions=found)


@endpoint(
    "GET",
    "/api/scan-versions",
    request=ScanVersions,
    response=VersionsView,
    extra="ignore",
    tags=TAGS,
    errors=(*FOLDER, errors.PatternInvalid),
)
async def get_versions(request: web.Request, asked: ScanVersions) -> VersionsView:
    """The highest version in each folder of a project, whatever media its files are.

    Only the last name of the pattern counts. `{panel}` is the folder's name or its number.
    """
    return await _versions(request, asked)


@endpoint(
    "POST",
    "/api/scan-versions",
    request=ScanVersions,
    response=VersionsView,
    extra="ignore",
    tags=TAGS,
    errors=(*FOLDER, errors.PatternInvalid),
)
async def scan_versions(request: web.Request, asked: ScanVersions) -> VersionsView:
    """The same as GET."""
    return await _versions(request, asked)


@frozen(kw_only=True, repr=False)
class ScanProject:
    """Which project, and how its files are named."""

    folder_path: str = field(metadata=FOLDER_PATH)
    naming_pattern: str = field(default="", metadata=_SHAPE)
    project_name: str = field(
        default="", metadata=about("What {project} is; anything if empty.", max_length=1000)
    )


@frozen(kw_only=True, repr=False)
class RenderView:
    """A picture or video of a project."""

    panel_number: int | None = field(metadata=about("The last number in the panel's name."))
    panel_name: str | None
    version: int | None
    image_path: str
    filename: str
    modified_time: float = field(metadata=about("Seconds since 1970."))
    size: int = field(metadata=about("Bytes."))
    type: str = field(metadata=about("image or video.", example="image"))
    metadata: dict[str, Any] = field(
        metadata=about(
            f"What stands in `<stem>.json` beside it, if that has up to {MAX_SIDECAR_BYTES} bytes; "
            f"of the first {MAX_SIDECARS:,} that are met."
        )
    )


@frozen(kw_only=True, repr=False)
class UnreadFolder:
    """A folder that was not looked into."""

    path: str = field(metadata=about("Relative to the project."))
    reason: str


@frozen(kw_only=True, repr=False)
class RendersView:
    """The pictures and videos of a project, by panel and version."""

    success: bool = field(metadata=SUCCESS)
    message: str = field(metadata=MESSAGE)
    images: list[RenderView]
    total: int
    skipped_files: list[str] = field(
        metadata=about(f"Files that do not fit the pattern; the first {MAX_SKIPPED:,}.")
    )
    skipped_total: int = field(metadata=about("How many do not fit."))
    skipped_folders: list[UnreadFolder]
    truncated: bool = field(
        metadata=about(f"Whether there are more files than the {MAX_FILES:,} looked at.")
    )


@endpoint(
    "POST",
    "/api/scan-project-images",
    request=ScanProject,
    response=RendersView,
    extra="ignore",
    tags=TAGS,
    errors=(*FOLDER, errors.PatternInvalid),
    example={
        "folder_path": "/mnt/Projects/Eliot",
        "naming_pattern": "{project}_{panel}_v{version}",
    },
)
async def scan_project_images(request: web.Request, asked: ScanProject) -> RendersView:
    """All pictures and videos in a project's folder and below it.

    With a pattern, files that do not fit are named in `skipped_files`. Without one, nothing is
    left out: where a name says no panel or no version, that is null.
    """
    found = await request.app[FOLDERS].renders(
        asked.folder_path, asked.naming_pattern.strip(), asked.project_name.strip()
    )
    return RendersView(
        success=True,
        message=_told(found),
        images=[
            RenderView(
                panel_number=each.read.panel_number,
                panel_name=each.read.panel,
                version=each.read.version,
                image_path=each.picture.path,
                filename=each.picture.name,
                modified_time=each.picture.modified,
                size=each.picture.size,
                type=each.picture.kind,
                metadata=each.metadata,
            )
            for each in found.found
        ],
        total=len(found.found),
        skipped_files=list(found.unfitting),
        skipped_total=found.unfitting_count,
        skipped_folders=[UnreadFolder(path=s.relative, reason=s.reason) for s in found.skipped],
        truncated=found.more,
    )


def _told(found: Renders) -> str:
    parts = [f"{len(found.found):,} images"]
    if found.unfitting_count:
        parts.append(f"{found.unfitting_count:,} files do not fit the pattern")
    if found.skipped:
        parts.append(f"{len(found.skipped):,} folders were not looked into")
    if found.more:
        parts.append(f"only the first {MAX_FILES:,} files were looked at")
    return "; ".join(parts) + "."
