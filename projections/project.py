"""Questions about a whole project, answered from several projections at once."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

from attrs import frozen

from events.assets import AssetChanged, AssetId, AssetMoved, AssetRelinked, AssetSeen
from events.curation import (
    AssetNoted,
    AssetRated,
    AssetTagged,
    AssetUntagged,
    TagDefined,
    TagDeleted,
    TagId,
)
from events.imports import FileArrived, FileAwaited, ProjectImported
from events.mappings import MappingRemoved, MappingSet
from events.stamp import Stamp
from events.states import ProjectSaved
from events.trash import FilePurged, FileRestored, FileTrashed
from events.views import ViewDeleted, ViewSaved
from projections.assets import Asset, Lineage, Place, State
from projections.backends import BackendFacts
from projections.files import Operation
from projections.fold import Tables
from projections.groups import Group
from projections.imports import Awaited, Imported, awaited, heard_of, imported
from projections.jobs import Job
from projections.mappings import ToldMapping
from projections.notes import Note
from projections.plans import Plan
from projections.ratings import Rating
from projections.states import Saving, file_of, state_key
from projections.tags import AssetTags, Mark, Tag
from projections.trash import Stay, Trashed
from projections.views import View
from projections.webhooks import Notified


@frozen
class ProjectView:
    """A project's state, read only. It follows the tables as they change."""

    tables: Tables

    def asset(self, asset: AssetId) -> Asset | None:
        """What is known of an asset, wherever it is."""
        found: Asset | None = self.tables.table("assets").get(asset)
        return None if found is None or not found.known else found

    def asset_at(self, path: str) -> AssetId | None:
        """The asset at a path relative to the project; None if nothing was ever said of it."""
        place: Place | None = self.tables.table("places").get(path)
        if place is None:
            return None
        asset: Asset | None = self.tables.table("assets").get(place.asset)
        # The last one that came here may have gone on.
        if asset is None or asset.path != path or asset.state is not State.PRESENT:
            return None
        return place.asset

    def spoken_of(self) -> Container[str]:
        """Paths at which an asset ever lay; of all others there is nothing to say."""
        return self.tables.table("places")

    def present(self) -> Iterator[tuple[AssetId, Asset]]:
        """Every asset that lies in the project."""
        for asset, known in self.tables.table("assets").items():
            if known.known and self.asset_at(known.path) == asset:
                yield AssetId(asset), known

    def unburied(self) -> Iterator[tuple[AssetId, Asset]]:
        """Every asset that should lie in the project, also where another one took its place."""
        for asset, known in self.tables.table("assets").items():
            if known.known and known.state is State.PRESENT:
                yield AssetId(asset), known

    def lineage(self, asset: AssetId) -> Lineage | None:
        """Which job made an asset."""
        return self.tables.table("lineage").get(asset)

    def rating(self, asset: AssetId) -> Rating | None:
        """An asset's rating, if it was ever rated."""
        return self.tables.table("ratings").get(asset)

    def stars_of(self, asset: str | None) -> int:
        """Stars of an asset, wherever it is; 0 if it has none, or there is no asset."""
        rating = None if asset is None else self.rating(AssetId(asset))
        return 0 if rating is None else rating.stars

    def stars_at(self, path: str) -> int:
        """Stars of the file at a path; 0 if it has none."""
        return self.stars_of(self.asset_at(path))

    def ratings(self) -> Iterator[tuple[str, Rating]]:
        """Path and rating of every file that has stars."""
        for asset, rating in self.tables.table("ratings").items():
            known = self.asset(AssetId(asset))
            # An asset in the trash, or whose name a newer one took, is not at that path any more.
            if rating.stars and known is not None and self.asset_at(known.path) == asset:
                yield known.path, rating

    def tag(self, tag: TagId) -> Tag | None:
        """A tag that exists."""
        found: Tag | None = self.tables.table("tag_definitions").get(tag)
        return None if found is None or found.deleted else found

    def tags(self) -> dict[TagId, Tag]:
        """All tags that exist, by name."""
        everything = self.tables.table("tag_definitions").items()
        alive = [(TagId(i), tag) for i, tag in everything if not tag.deleted]
        return dict(sorted(alive, key=lambda pair: (pair[1].name.casefold(), pair[0])))

    def marks(self, asset: AssetId) -> AssetTags | None:
        """Everything ever said of an asset's tags."""
        return self.tables.table("tags").get(asset)

    def tagged(self) -> Iterator[AssetId]:
        """Assets that were ever tagged, and are where they are said to be."""
        for asset in self.tables.table("tags"):
            known = self.asset(AssetId(asset))
            if known is not None and self.asset_at(known.path) == asset:
                yield AssetId(asset)

    def tags_of(self, asset: AssetId) -> tuple[TagId, ...]:
        """Tags on an asset, of those that exist, in the order of their names."""
        marks = self.marks(asset)
        if marks is None:
            return ()
        named = [(tag, self.tag(tag)) for tag in marks.present()]
        alive = [(known.name.casefold(), tag) for tag, known in named if known is not None]
        return tuple(tag for _, tag in sorted(alive))

    def note(self, asset: AssetId) -> str:
        """The note about an asset; "" if there is none."""
        found: Note | None = self.tables.table("notes").get(asset)
        return "" if found is None else found.text

    def notes(self) -> Iterator[tuple[str, str]]:
        """Path and note of every file that has one."""
        for asset, note in self.tables.table("notes").items():
            known = self.asset(AssetId(asset))
            if note.text and known is not None and self.asset_at(known.path) == asset:
                yield known.path, note.text

    def trashed(self, trash: str) -> Trashed | None:
        """What lies in the trash under an id."""
        stay: Stay | None = self.tables.table("trash").get(trash)
        return None if stay is None else stay.here

    def trash(self) -> list[tuple[str, Trashed]]:
        """All that lies in the trash, what came last first."""
        stays = self.tables.table("trash").items()
        here = [(trash, found) for trash, stay in stays if (found := stay.here) is not None]
        return sorted(here, key=lambda pair: pair[1].as_of, reverse=True)

    def awaited(self) -> dict[str, Awaited]:
        """What was said of files that are not there, by the path where each should lie."""
        return awaited(self.tables)

    def view(self, name: str) -> View | None:
        """A saved view."""
        found: View | None = self.tables.table("views").get(name)
        return None if found is None or found.deleted else found

    def views(self) -> dict[str, View]:
        """All saved views, by name."""
        saved = self.tables.table("views").items()
        return dict(sorted((name, view) for name, view in saved if not view.deleted))

    def job(self, job: str) -> Job | None:
        """A job that was queued here."""
        found: Job | None = self.tables.table("jobs").get(job)
        return None if found is None or found.queued is None else found

    def jobs(self) -> Iterator[tuple[str, Job]]:
        """All jobs that were queued here, in no order."""
        for job_id, job in self.tables.table("jobs").items():
            if job.queued is not None:
                yield job_id, job

    def group(self, group: str) -> Group | None:
        """A group of jobs that was created here."""
        found: Group | None = self.tables.table("groups").get(group)
        return None if found is None or found.created is None else found

    def group_of(self, job: Job) -> Group | None:
        """The group that a job belongs to; None if it has none, or its group was not created."""
        group = None if job.queued is None else job.queued.order.group
        return None if group is None else self.group(group)

    def groups(self) -> Iterator[tuple[str, Group]]:
        """All groups that were created here, in no order."""
        for group_id, group in self.tables.table("groups").items():
            if group.created is not None:
                yield group_id, group

    def backends(self) -> Mapping[str, BackendFacts]:
        """What the log says of backends; only the host's own log speaks of them."""
        return self.tables.table("backends")

    def mappings(self) -> Mapping[str, ToldMapping]:
        """What the log says of path mappings; only the host's own log speaks of them."""
        return self.tables.table("mappings")

    def notified(self, job: str) -> Notified:
        """Which addresses were told of a job's end."""
        found: Notified | None = self.tables.table("webhooks").get(job)
        return found or Notified()

    def newest_state(self, file: str) -> Saving | None:
        """The state of a project's file that was saved last."""
        return self.tables.table("newest_states").get(file)

    def state(self, file: str, sha256: str) -> Saving | None:
        """When a state with these bytes was last saved."""
        times: tuple[Saving, ...] = self.tables.table("states").get(state_key(file, sha256), ())
        return times[-1] if times else None

    def states(self, file: str) -> list[Saving]:
        """All states of a project's file, what was saved last first."""
        table = self.tables.table("states")
        found = [each for key, times in table.items() if file_of(key) == file for each in times]
        return sorted(found, key=lambda saving: saving.as_of, reverse=True)

    def operation(self, op: str) -> Operation | None:
        """An announced operation on a file."""
        return self.tables.table("operations").get(op)

    def open_operations(self, host: str | None = None) -> Iterator[tuple[str, Operation]]:
        """What `host` announced to do to files and has not settled; None: what any host did."""
        for op, operation in self.tables.table("operations").items():
            if not operation.settled and host in (None, operation.host):
                yield op, operation

    def plan(self, op: str) -> Plan | None:
        """A planned operation on files."""
        return self.tables.table("plans").get(op)

    def open_plans(self, host: str | None = None) -> list[tuple[str, Plan]]:
        """What `host` planned to do to files and has not settled, oldest first; None: any host."""
        found = [
            (op, plan)
            for op, plan in self.tables.table("plans").items()
            if not plan.settled and host in (None, plan.host)
        ]
        return sorted(found, key=lambda pair: pair[1].as_of or "")


def seen_stamp(view: ProjectView, event: object) -> Stamp | None:
    """The stamp of what an event is about to replace; its author has seen that, and means it."""
    match event:
        case AssetRated(asset=asset):
            return _stamp(view.rating(asset))
        case AssetTagged(asset=asset, tag=tag) | AssetUntagged(asset=asset, tag=tag):
            marks = view.marks(asset)
            return None if marks is None else _stamp(marks.marks.get(tag))
        case AssetNoted(asset=asset):
            return _stamp(view.tables.table("notes").get(asset))
        case TagDefined(tag=tag) | TagDeleted(tag=tag):
            return _stamp(view.tables.table("tag_definitions").get(tag))
        case ViewSaved(name=name) | ViewDeleted(name=name):
            return _stamp(view.tables.table("views").get(name))
        case MappingSet(mapping=mapping) | MappingRemoved(mapping=mapping):
            return _stamp(view.mappings().get(mapping))
        case ProjectSaved(file=file):
            return _stamp(view.newest_state(file))
        case _:
            return _seen_of_files(view, event)


def _seen_of_files(view: ProjectView, event: object) -> Stamp | None:
    match event:
        case AssetChanged(asset=asset):
            return _placed(view, asset)
        case AssetSeen() | AssetMoved() | AssetRelinked() as coming:
            return _placed(view, coming.asset, coming.path)
        case FileTrashed() | FileRestored() | FilePurged() as moved:
            return None if moved.asset is None else _placed(view, moved.asset, moved.path)
        case FileAwaited(path=path) | FileArrived(path=path):
            return _stamp(heard_of(view.tables, path))
        case ProjectImported(source=source):
            return _stamp(imported(view.tables, source))
        case _:
            return None  # facts that happen once replace nothing


def _placed(view: ProjectView, asset: AssetId, path: str = "") -> Stamp | None:
    """The newest that was told of an asset's place, its bytes, and of who came to a path."""
    known: Asset | None = view.tables.table("assets").get(asset)
    place: Place | None = view.tables.table("places").get(path)
    stamps = [] if known is None else [known.as_of, known.bytes_as_of]
    stamps += [] if place is None else [place.as_of]
    return max(stamps, default=None) or None


def _stamp(
    state: Rating | Mark | Note | Tag | View | Awaited | Imported | ToldMapping | Saving | None,
) -> Stamp | None:
    return None if state is None else state.as_of
