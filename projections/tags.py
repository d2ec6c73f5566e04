"""Which tags there are, and which asset has which. A register per tag, and per asset and tag."""

from __future__ import annotations

from attrs import frozen

from events.curation import AssetTagged, AssetUntagged, TagDefined, TagDeleted, TagId
from events.record import Record
from events.stamp import Stamp
from projections.fold import Projection


@frozen
class Tag:
    """A tag's name and colour; a deleted tag has neither, and is shown nowhere."""

    name: str
    #: `#rrggbb`.
    color: str
    deleted: bool
    as_of: Stamp


def _definition_key(event: TagDefined | TagDeleted) -> tuple[str, ...]:
    return (event.tag,)


def _define(state: Tag | None, record: Record, key: str) -> Tag | None:
    if state is not None and record.stamp <= state.as_of:
        return state
    match record.event:
        case TagDefined(name=name, color=color):
            return Tag(name, color, False, record.stamp)
        case TagDeleted():
            return Tag("", "", True, record.stamp)
        case _:
            return state


DEFINITIONS = Projection("tag_definitions", (TagDefined, TagDeleted), _definition_key, _define,
                         lambda state: [state.name, state.color, state.deleted, state.as_of],
                         lambda packed: Tag(*packed))  # fmt: skip


@frozen
class Mark:
    """Whether an asset has a tag, since when, and by whom."""

    present: bool
    actor: str
    as_of: Stamp


@frozen
class AssetTags:
    """Everything that was said of one asset's tags."""

    marks: dict[TagId, Mark]

    def present(self) -> tuple[TagId, ...]:
        """Tags that are on the asset, in the order of their ids."""
        return tuple(sorted(tag for tag, mark in self.marks.items() if mark.present))


def _asset_key(event: AssetTagged | AssetUntagged) -> tuple[str, ...]:
    return (event.asset,)


def _mark(state: AssetTags | None, record: Record, key: str) -> AssetTags | None:
    marks = {} if state is None else state.marks
    match record.event:
        case AssetTagged(tag=tag):
            present = True
        case AssetUntagged(tag=tag):
            present = False
        case _:
            return state
    known = marks.get(tag)
    if known is not None and record.stamp <= known.as_of:
        return state
    return AssetTags({**marks, tag: Mark(present, record.actor, record.stamp)})


TAGS = Projection("tags", (AssetTagged, AssetUntagged), _asset_key, _mark,
                  lambda state: {t: [m.present, m.actor, m.as_of]
                                 for t, m in sorted(state.marks.items())},
                  lambda packed: AssetTags({TagId(t): Mark(*m)
                                            for t, m in packed.items()}))  # fmt: skip
