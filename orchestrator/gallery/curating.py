"""What people say of files: stars, tags, notes; and the tags and views themselves.

One request may speak of many files. Each file is an edit of its own: one that cannot be edited is
named, and the others are edited all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from attrs import define, frozen
from uuid_utils import uuid4, uuid7

from events.assets import AssetId
from events.curation import TagDefined, TagId
from orchestrator.commands.curation import (
    CurateAsset,
    DefineTag,
    DeleteTag,
    DeleteView,
    SaveView,
)
from orchestrator.errors import (
    ChangeUnsettled,
    LogBusy,
    OrchestratorError,
    ProjectReadOnly,
    ShareMissing,
    TagUnknown,
)
from orchestrator.gallery.finder import Finder
from orchestrator.project import Project
from projections.assets import Lineage
from projections.project import ProjectView
from projections.tags import Tag

#: Refusals that would meet any file of the project.
_OF_THE_PROJECT = (ProjectReadOnly, ShareMissing, LogBusy, ChangeUnsettled)
#: Files of one request that are looked at and edited side by side.
AT_ONCE = 64


class Curation(NamedTuple):
    """What people and the log say of one file."""

    asset: AssetId | None
    stars: int
    tags: tuple[tuple[TagId, Tag], ...]
    note: str
    lineage: Lineage | None


#: What is said of a file that nobody has spoken of.
NOTHING = Curation(None, 0, (), "", None)


def curation_at(view: ProjectView, path: str) -> Curation:
    """What is said of the file at a path relative to the project."""
    asset = view.asset_at(path)
    return NOTHING if asset is None else curation_of(view, asset)


def curation_of(view: ProjectView, asset: AssetId) -> Curation:
    """What is said of an asset, wherever it is."""
    rating = view.rating(asset)
    tags = tuple((tag, known) for tag in view.tags_of(asset) if (known := view.tag(tag)))
    return Curation(
        asset, rating.stars if rating else 0, tags, view.note(asset), view.lineage(asset)
    )


@frozen(kw_only=True)
class Say:
    """What somebody says of one file. None, or no tags, leaves a thing as it is."""

    #: As the client sent it: relative to the project, or absolute inside it.
    file_path: str
    stars: int | None = None
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    note: str | None = None


@frozen
class Said:
    """What became of it."""

    file_path: str
    #: Relative to the project; None if it was refused.
    path: str | None
    refused: OrchestratorError | None = None


@define(eq=False)
class Curator:
    """Edits of what is said of files."""

    finder: Finder

    async def say(self, project_path: str, said: Say, actor: str) -> str:
        """Say something of one file. Returns its path relative to the project.

        Raises:
            OrchestratorError: the file cannot be edited so.
        """
        return await self.say_in(await self.finder.editable(project_path, actor), said, actor, None)

    async def say_all(
        self, project_path: str, everything: Sequence[Say], actor: str
    ) -> tuple[str, list[Said]]:
        """Say something of many files: the id of the whole, and what became of each, in order.

        Raises:
            TagUnknown: a tag does not exist, which is no fault of a file.
            ProjectReadOnly, ShareMissing, LogBusy, ChangeUnsettled: the project cannot be written
                now; not one file could be edited.
        """
        project = await self.finder.editable(project_path, actor)
        _refuse_unknown_tags(project, everything)
        batch = str(uuid7())
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(said: Say) -> Said:
            async with turns:
                try:
                    path = await self.say_in(project, said, actor, batch)
                except OrchestratorError as exc:
                    return Said(said.file_path, None, exc)
                return Said(said.file_path, path)

        ends = list(await asyncio.gather(*map(one, everything)))
        _refuse_if_unwritable(ends)
        return batch, ends

    async def say_in(self, project: Project, said: Say, actor: str, batch: str | None) -> str:
        """Say something of one file as a part of `batch`. Returns its path.

        Raises:
            OrchestratorError: the file cannot be edited so.
        """
        sighting = await self.finder.sight(project, said.file_path)
        command = CurateAsset(
            sighting=sighting,
            stars=said.stars,
            add=tuple(map(TagId, said.add)),
            remove=tuple(map(TagId, said.remove)),
            note=said.note,
        )
        await project.change(command, actor, batch)
        return sighting.path

    async def define_tag(
        self, project_path: str, tag: str | None, name: str | None, color: str | None, actor: str
    ) -> tuple[TagId, Tag]:
        """Make a tag, or change the one with the id `tag`."""
        project = await self.finder.editable(project_path, actor)
        tag_id = TagId(tag or str(uuid4()))
        command = DefineTag(tag=tag_id, update=tag is not None, name=name, color=color)
        for record in await project.change(command, actor):
            if isinstance(told := record.event, TagDefined):
                # As it was recorded: another host may have deleted it by now.
                return tag_id, Tag(told.name, told.color, deleted=False, as_of=record.stamp)
        known = project.view.tag(tag_id)
        assert known is not None  # there was nothing to change, and we have not waited
        return tag_id, known

    async def delete_tag(self, project_path: str, tag: str, actor: str) -> None:
        """Delete a tag everywhere."""
        project = await self.finder.editable(project_path, actor)
        await project.change(DeleteTag(tag=TagId(tag)), actor)

    async def save_view(
        self, project_path: str, name: str, settings: dict[str, Any], actor: str
    ) -> None:
        """Save a view under a name."""
        project = await self.finder.editable(project_path, actor)
        await project.change(SaveView(name=name, settings=settings), actor)

    async def delete_view(self, project_path: str, name: str, actor: str) -> None:
        """Forget a saved view."""
        project = await self.finder.editable(project_path, actor)
        await project.change(DeleteView(name=name), actor)


def _refuse_unknown_tags(project: Project, everything: Iterable[Say]) -> None:
    asked = dict.fromkeys(TagId(tag) for said in everything for tag in (*said.add, *said.remove))
    unknown = [tag for tag in asked if project.view.tag(tag) is None]
    if unknown:
        raise TagUnknown(tuple(unknown))


def _refuse_if_unwritable(ends: Sequence[Said]) -> None:
    """A project that takes no edits is told once, and not as a fault of each file."""
    faults = [end.refused for end in ends if isinstance(end.refused, _OF_THE_PROJECT)]
    if faults and len(faults) == len(ends):
        raise faults[0]


def tag_counts(view: ProjectView) -> dict[TagId, tuple[Tag, int]]:
    """All tags with the number of files that have each, in the order of their names."""
    counts: dict[TagId, int] = {}
    for asset in view.tagged():
        for tag in view.tags_of(asset):
            counts[tag] = counts.get(tag, 0) + 1
    return {tag: (known, counts.get(tag, 0)) for tag, known in view.tags().items()}


def stars_by_path(view: ProjectView, paths: Iterable[str] | None = None) -> dict[str, int]:
    """Stars by relative path, of every file that has some, or of those of `paths` that have."""
    if paths is not None:
        return {path: stars for path in paths if (stars := view.stars_at(path))}
    return {path: rating.stars for path, rating in sorted(view.ratings())}
