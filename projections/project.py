"""Questions about a whole project, answered from several projections at once."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from events.assets import AssetChanged, AssetId, AssetSeen
from events.curation import AssetRated, AssetTagged, AssetUntagged, TagDefined, TagDeleted, TagId
from events.stamp import Stamp
from events.views import ViewSaved
from projections.assets import Asset, Lineage, Place
from projections.files import Operation
from projections.fold import Tables
from projections.jobs import Job
from projections.ratings import Rating
from projections.tags import AssetTags, Mark, Tag
from projections.views import View


@frozen
class ProjectView:
    """A project's state, read only. It follows the tables as they change."""

    tables: Tables

    def asset(self, asset: AssetId) -> Asset | None:
        """What is known of an asset."""
        return self.tables.table("assets").get(asset)

    def asset_at(self, path: str) -> AssetId | None:
        """The asset at a path relative to the project; None if nobody has ever edited it."""
        place: Place | None = self.tables.table("places").get(path)
        return None if place is None else place.asset

    def lineage(self, asset: AssetId) -> Lineage | None:
        """Which job made an asset."""
        return self.tables.table("lineage").get(asset)

    def rating(self, asset: AssetId) -> Rating | None:
        """An asset's rating, if it was ever rated."""
        return self.tables.table("ratings").get(asset)

    def stars_at(self, path: str) -> int:
        """Stars of the file at a path; 0 if it has none."""
        asset = self.asset_at(path)
        rating = None if asset is None else self.rating(asset)
        return 0 if rating is None else rating.stars

    def ratings(self) -> Iterator[tuple[str, Rating]]:
        """Path and rating of every file that has stars."""
        for asset, rating in self.tables.table("ratings").items():
            known = self.asset(AssetId(asset))
            # An asset whose name a newer one took is not at that path any more.
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

    def view(self, name: str) -> View | None:
        """A saved view."""
        return self.tables.table("views").get(name)

    def views(self) -> dict[str, View]:
        """All saved views, by name."""
        return dict(sorted(self.tables.table("views").items()))

    def job(self, job: str) -> Job | None:
        """A job that was queued here."""
        found: Job | None = self.tables.table("jobs").get(job)
        return None if found is None or found.queued is None else found

    def jobs(self) -> Iterator[tuple[str, Job]]:
        """All jobs that were queued here, in no order."""
        for job_id, job in self.tables.table("jobs").items():
            if job.queued is not None:
                yield job_id, job

    def operation(self, op: str) -> Operation | None:
        """An announced operation on a file."""
        return self.tables.table("operations").get(op)

    def open_operations(self, host: str) -> Iterator[tuple[str, Operation]]:
        """What `host` announced to do to files and has not settled."""
        for op, operation in self.tables.table("operations").items():
            if not operation.settled and operation.host == host:
                yield op, operation


def seen_stamp(view: ProjectView, event: object) -> Stamp | None:
    """The stamp of what an event is about to replace; its author has seen that, and means it."""
    match event:
        case AssetRated(asset=asset):
            return _stamp(view.rating(asset))
        case AssetTagged(asset=asset, tag=tag) | AssetUntagged(asset=asset, tag=tag):
            marks = view.marks(asset)
            return None if marks is None else _stamp(marks.marks.get(tag))
        case AssetSeen(asset=asset) | AssetChanged(asset=asset):
            return _stamp(view.asset(asset))
        case TagDefined(tag=tag) | TagDeleted(tag=tag):
            return _stamp(view.tables.table("tag_definitions").get(tag))
        case ViewSaved(name=name):
            return _stamp(view.view(name))
        case _:
            return None  # facts that happen once replace nothing


def _stamp(state: Asset | Rating | Mark | Tag | View | None) -> Stamp | None:
    return None if state is None else state.as_of
