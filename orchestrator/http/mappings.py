"""Endpoints of path mappings, and of trying out what they make of a path."""

from __future__ import annotations

from aiohttp import web
from attrs import field, frozen

from orchestrator import errors
from orchestrator.commands.mappings import MappingChanges
from orchestrator.http.endpoint import endpoint
from orchestrator.http.fields import about
from orchestrator.http.middleware import ACTOR
from orchestrator.paths.export import as_yaml
from orchestrator.paths.mappings import OsName, PathMapping, current_os, translator
from orchestrator.paths.merging import live
from orchestrator.services import MAPPINGS

TAGS = ("path mappings",)
#: What a change of the mappings may be refused with.
CHANGE = (errors.MappingsLoop, errors.ProjectReadOnly)

_ON_ONE_LINE = r"[^\x00-\x1f\x7f-\x9f]*"
_NAME = about("What people call it.", example="Project share", max_length=200, pattern=_ON_ONE_LINE)
_WINDOWS = about(
    r"A drive or share with folders below it or not: `W:\VFX`, `\\nas\projects`. Blank, or not "
    "whole yet: kept, and ignored when paths are translated.",
    example="W:\\",
    max_length=4096,
    pattern=_ON_ONE_LINE,
)
_LINUX = about(
    "The same folder on Linux.", example="/mnt/Mandalore", max_length=4096, pattern=_ON_ONE_LINE
)
_MACOS = about(
    "The same folder on a Mac.", example="/Volumes/Mandalore", max_length=4096, pattern=_ON_ONE_LINE
)


@frozen(kw_only=True, repr=False)
class MappingView:
    """One folder under the names that the operating systems give it."""

    id: str
    name: str
    windows: str
    linux: str
    macos: str
    enabled: bool


@frozen(kw_only=True, repr=False)
class MappingList:
    """All mappings: those of config.yaml, then those that were added since."""

    success: bool
    message: str
    mappings: list[MappingView]
    current_os: OsName = field(metadata=about("The system that the service runs on."))


@frozen(kw_only=True, repr=False)
class SavedMapping(MappingView):
    """The mapping as it now is, once as a whole and once field by field."""

    success: bool
    message: str = field(
        metadata=about("What of the mapping has no effect yet, and why; else that it is saved.")
    )
    mapping: MappingView


@frozen(kw_only=True, repr=False)
class AddMapping:
    """A mapping to add; what is left out is blank."""

    name: str | None = field(default=None, metadata=_NAME)
    windows: str | None = field(default=None, metadata=_WINDOWS)
    linux: str | None = field(default=None, metadata=_LINUX)
    macos: str | None = field(default=None, metadata=_MACOS)
    enabled: bool | None = None


@frozen(kw_only=True, repr=False)
class ChangeMapping(AddMapping):
    """What to change of a mapping; what is left out stays as it is."""

    mapping_id: str


@frozen(kw_only=True, repr=False)
class OneMapping:
    """Which mapping."""

    mapping_id: str


@frozen(kw_only=True, repr=False)
class RemovedMapping:
    """The mapping is gone."""

    success: bool
    message: str
    id: str


@endpoint("GET", "/api/path-mappings", response=MappingList, tags=TAGS)
async def list_mappings(request: web.Request) -> MappingList:
    """List the path mappings."""
    found = request.app[MAPPINGS].current
    return MappingList(
        success=True,
        message="",
        mappings=[_view(mapping) for mapping in found],
        current_os=current_os(),
    )


@endpoint(
    "POST",
    "/api/path-mappings",
    request=AddMapping,
    response=SavedMapping,
    extra="ignore",
    tags=TAGS,
    errors=CHANGE,
)
async def add_mapping(request: web.Request, asked: AddMapping) -> SavedMapping:
    """Add a path mapping.

    It translates paths from now on. It does not widen what may be touched: a folder outside of
    the permitted ones must be added to `roots`, or to `path_mappings`, in config.yaml.
    """
    mapping = await request.app[MAPPINGS].add(_changes(asked), request[ACTOR])
    return _saved(request, mapping)


@endpoint(
    "PUT",
    "/api/path-mappings/{mapping_id}",
    request=ChangeMapping,
    response=SavedMapping,
    extra="ignore",
    tags=TAGS,
    errors=(errors.MappingUnknown, *CHANGE),
)
async def change_mapping(request: web.Request, asked: ChangeMapping) -> SavedMapping:
    """Change a path mapping, also one of config.yaml.

    The change of one of config.yaml holds until the file says something else of it.
    """
    mapping = await request.app[MAPPINGS].update(asked.mapping_id, _changes(asked), request[ACTOR])
    return _saved(request, mapping)


@endpoint(
    "DELETE",
    "/api/path-mappings/{mapping_id}",
    request=OneMapping,
    response=RemovedMapping,
    tags=TAGS,
    errors=(errors.MappingUnknown, errors.ProjectReadOnly),
)
async def remove_mapping(request: web.Request, asked: OneMapping) -> RemovedMapping:
    """Remove a path mapping, also one of config.yaml; see there what changes of these mean."""
    await request.app[MAPPINGS].remove(asked.mapping_id, request[ACTOR])
    return RemovedMapping(success=True, message="Path mapping removed.", id=asked.mapping_id)


@endpoint("GET", "/api/path-mappings/export", media=("application/yaml",), tags=TAGS)
async def export_mappings(request: web.Request) -> web.StreamResponse:
    """The path mappings as YAML, in the form of config.yaml."""
    return web.Response(
        text=as_yaml(request.app[MAPPINGS].current),
        content_type="application/yaml",
        charset="utf-8",
        headers={"Content-Disposition": 'attachment; filename="path_mappings.yaml"'},
    )


@frozen(kw_only=True, repr=False)
class TranslatePath:
    """A path, and the system whose name for it is wanted."""

    path: str = field(
        metadata=about("", example="W:\\VFX\\Eliot\\renders", max_length=32_767),
    )
    target_os: str | None = field(
        default=None,
        metadata=about(
            "windows, linux or macos; the service's own if left out. Any other leaves the path "
            "as it is.",
            example="linux",
        ),
    )


@frozen(kw_only=True, repr=False)
class TranslatedPath:
    """What the path is called there."""

    success: bool
    message: str
    original: str
    translated: str = field(metadata=about("The path itself if no mapping knows it."))
    current_os: OsName
    matched: bool = field(metadata=about("Whether a mapping knows the path's name there."))


@endpoint(
    "POST",
    "/api/translate-path",
    request=TranslatePath,
    response=TranslatedPath,
    extra="ignore",
    tags=TAGS,
)
async def translate_path(request: web.Request, asked: TranslatePath) -> TranslatedPath:
    """Translate a path as every path that comes in is translated. It need not exist."""
    book, here = request.app[MAPPINGS], current_os()
    target = here if asked.target_os is None else asked.target_os.strip().lower()
    translated, matched = translator(live(book.start, book.current), target).find(asked.path)
    return TranslatedPath(
        success=True,
        message="" if matched else "No enabled mapping knows this path.",
        original=asked.path,
        translated=translated,
        current_os=here,
        matched=matched,
    )


def _changes(asked: AddMapping) -> MappingChanges:
    return MappingChanges(
        name=asked.name,
        windows=asked.windows,
        linux=asked.linux,
        macos=asked.macos,
        enabled=asked.enabled,
    )


def _view(mapping: PathMapping) -> MappingView:
    return MappingView(
        id=mapping.id,
        name=mapping.name,
        windows=mapping.windows,
        linux=mapping.linux,
        macos=mapping.macos,
        enabled=mapping.enabled,
    )


def _saved(request: web.Request, mapping: PathMapping) -> SavedMapping:
    view = _view(mapping)
    remarks = request.app[MAPPINGS].remarks(mapping)
    return SavedMapping(
        success=True,
        message=" ".join(["Path mapping saved.", *remarks]),
        mapping=view,
        id=view.id,
        name=view.name,
        windows=view.windows,
        linux=view.linux,
        macos=view.macos,
        enabled=view.enabled,
    )
