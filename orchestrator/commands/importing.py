"""Taking over what the predecessor of this service had stored, and what follows from it. Pure.

An import only fills what nobody has said anything of here: what a person said since, also that
there is to be nothing, is newer and stays. So an import that is repeated, resumed after a crash or
made by two hosts at once changes nothing.
"""

from __future__ import annotations

import unicodedata
from uuid import UUID, uuid5

from attrs import frozen

from events.assets import AssetId
from events.curation import AssetNoted, AssetRated, AssetTagged, TagDefined, TagId
from events.imports import FileArrived, FileAwaited, ProjectImported
from events.trash import FileTrashed, TrashId
from events.views import ViewSaved
from orchestrator.commands.curation import Sighting, recognise
from projections.assets import Place
from projections.imports import heard_of, imported
from projections.project import ProjectView
from projections.tags import Tag

#: Names of what is imported, so that all hosts give it the same ids. Never changed.
_NAMESPACE = UUID("d005df1a-dd60-5c68-88dd-bc5761774efc")


@frozen
class Said:
    """What an old store says of one file."""

    #: Relative to the project, with `/`; as it is spelled on disk, if it is there.
    path: str
    #: None if the file is not there.
    sighting: Sighting | None
    #: 0 is none.
    stars: int
    tags: tuple[TagId, ...]
    #: "" is none.
    note: str


@frozen(kw_only=True)
class ImportTags:
    """Take over tags: pairs of name and colour (`#rrggbb`)."""

    tags: tuple[tuple[str, str], ...]

    def keys(self) -> tuple[str, ...]:
        """As all definitions of tags."""
        return ("tags",)


@frozen(kw_only=True)
class ImportView:
    """Take over a saved view."""

    saved: ViewSaved

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"view:{self.saved.name}",)


@frozen(kw_only=True)
class ImportFiles:
    """Take over what is said of files, each path once."""

    said: tuple[Said, ...]

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return tuple(f"path:{said.path}" for said in self.said)


@frozen(kw_only=True)
class ImportTrash:
    """Make files in the old trash known, where they lie."""

    trashed: tuple[FileTrashed, ...]

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return tuple(f"trash:{trashed.trash}" for trashed in self.trashed)


@frozen(kw_only=True)
class CloseImport:
    """Remember that an old store was taken over whole."""

    imported: ProjectImported

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"import:{self.imported.source}",)


@frozen(kw_only=True)
class WelcomeFile:
    """An awaited file turned up: give it what was said of it."""

    #: Where it was awaited.
    path: str
    #: The file as it was found, there or elsewhere.
    sighting: Sighting

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return tuple(sorted({f"path:{self.path}", f"path:{self.sighting.path}"}))


def same_name(name: str) -> str:
    """What two names of tags have in common if they are one tag."""
    return unicodedata.normalize("NFC", name.casefold())


def tag_id(name: str) -> TagId:
    """The id that an imported tag gets: the same on every host, also before there is a log."""
    return TagId(str(uuid5(_NAMESPACE, f"tag\n{same_name(name)}")))


def trash_id(place: str, size: int, head: str) -> TrashId:
    """The id that a file in the old trash gets: the same on every host."""
    text = f"trash\n{place}\n{size}\n{head}".encode("utf-8", "replace")
    return TrashId(str(uuid5(_NAMESPACE, text.decode())))


def tags_by_name(view: ProjectView) -> dict[str, TagId]:
    """Ids of the tags that exist, by what `same_name` makes of their names."""
    # Two hosts may have made a tag of one name; the lower id counts, on every host.
    ordered = sorted(view.tags().items(), reverse=True)
    return {same_name(tag.name): known for known, tag in ordered}


def import_tags(view: ProjectView, command: ImportTags) -> list[object]:
    """Defines those that nobody has defined, renamed or deleted here."""
    alive = tags_by_name(view)
    told: dict[TagId, object] = {}
    for name, color in command.tags:
        tag = tag_id(name)
        if same_name(name) not in alive and tag not in told and _definition(view, tag) is None:
            told[tag] = TagDefined(tag=tag, name=name, color=color)
    return list(told.values())


def import_view(view: ProjectView, command: ImportView) -> list[object]:
    """Saves it, unless a view of that name was ever saved here."""
    known = view.tables.table("views").get(command.saved.name)
    return [] if known is not None else [command.saved]


def import_files(view: ProjectView, command: ImportFiles) -> list[object]:
    """Says of each file what nobody has said here; keeps what is said of files that are missing."""
    return [event for said in command.said for event in _import_file(view, said)]


def is_known(view: ProjectView, said: Said) -> bool:
    """Whether nothing of it is new, so that the file need not be looked at."""
    asset = view.asset_at(said.path)
    return asset is not None and not _fill(view, asset, said)


def _import_file(view: ProjectView, said: Said) -> list[object]:
    gone = _gone_from(view, said.path)
    if gone is not None:
        return _fill(view, gone, said)
    if said.sighting is None:
        return _await(view, said)
    asset, seen = recognise(view, said.sighting)
    told = _fill(view, asset, said)
    known = heard_of(view.tables, said.path)
    if known is not None and known.arrived is None:
        told.append(FileArrived(path=said.path, asset=asset))
    return [*seen, *told] if told else []


def _gone_from(view: ProjectView, path: str) -> AssetId | None:
    """The asset that the log knows to have lain at a path, if it has left.

    An old store cannot know of that. What it says is of that asset, and of no newer file there.
    """
    if view.asset_at(path) is not None:
        return None
    place: Place | None = view.tables.table("places").get(path)
    return None if place is None else place.asset


def _fill(view: ProjectView, asset: AssetId, said: Said) -> list[object]:
    """What is said of an asset and was never said here."""
    marks = view.marks(asset)
    known = {} if marks is None else marks.marks
    tags = [tag for tag in said.tags if tag not in known and not _is_deleted(view, tag)]
    told: list[object] = []
    if said.stars and view.rating(asset) is None:
        told.append(AssetRated(asset=asset, stars=said.stars))
    told += [AssetTagged(asset=asset, tag=tag) for tag in tags]
    if said.note and asset not in view.tables.table("notes"):
        told.append(AssetNoted(asset=asset, note=said.note))
    return told


def _await(view: ProjectView, said: Said) -> list[object]:
    known = heard_of(view.tables, said.path)
    if known is not None and known.arrived is not None:
        return _fill(view, known.arrived, said)
    tags = tuple(tag for tag in said.tags if not _is_deleted(view, tag))
    if known is not None and (known.stars, known.tags, known.note) == (said.stars, tags, said.note):
        return []
    if not (said.stars or tags or said.note):
        return []
    return [FileAwaited(path=said.path, stars=said.stars, tags=tags, note=said.note)]


def _definition(view: ProjectView, tag: TagId) -> Tag | None:
    """What was last told of a tag, even if it was deleted."""
    return view.tables.table("tag_definitions").get(tag)


def _is_deleted(view: ProjectView, tag: TagId) -> bool:
    known = _definition(view, tag)
    return known is not None and known.deleted


def import_trash(view: ProjectView, command: ImportTrash) -> list[object]:
    """Tells of those that nobody has told of, restored or deleted here."""
    stays = view.tables.table("trash")
    return [trashed for trashed in command.trashed if trashed.trash not in stays]


def close_import(view: ProjectView, command: CloseImport) -> list[object]:
    """Says nothing if the very same store was taken over before."""
    told = command.imported
    known = imported(view.tables, told.source)
    if known is not None and (known.size, known.head) == (told.size, told.head):
        return []
    return [told]


def welcome_file(view: ProjectView, command: WelcomeFile) -> list[object]:
    """Says nothing if the file is not awaited, or has arrived already."""
    known = heard_of(view.tables, command.path)
    if known is None or known.arrived is not None:
        return []
    asset, seen = recognise(view, command.sighting)
    said = Said(command.sighting.path, command.sighting, known.stars, known.tags, known.note)
    arrived = FileArrived(path=command.path, asset=asset)
    return [*seen, *_fill(view, asset, said), arrived]
