"""What people do in a simulated project: few assets and tags, so that edits meet."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from attrs import frozen

from events.assets import AssetId, AssetMoved, AssetSeen
from events.curation import (
    AssetNoted,
    AssetRated,
    AssetTagged,
    AssetUntagged,
    TagDefined,
    TagDeleted,
    TagId,
)
from events.trash import FileRestored, FileTrashed, TrashId
from events.views import ViewDeleted, ViewSaved

_ASSETS = tuple(AssetId(letter * 32) for letter in "abc")
_TAGS = (TagId("hero"), TagId("todo"))
_PATHS = ("Panel_01/a.png", "Panel_01/b.png", "Panel_02/ü.png")
_TRASH = (TrashId("t-1"), TrashId("t-2"))
_WORDS = ("", "x", "more to say", "ä" * 40)


@frozen
class _Said:
    """What the dice have chosen for an edit."""

    asset: AssetId
    tag: TagId
    trash: TrashId
    path: str
    other: str
    word: str
    #: 0 to 5.
    number: int


def _trashed(it: _Said) -> FileTrashed:
    return FileTrashed(
        trash=it.trash, path=it.path, name="a.png", size=1, mtime=1, asset=it.asset, op=it.word
    )


#: Ratings and tags come more often than others.
_EDITS: tuple[Callable[[_Said], object], ...] = (
    lambda it: AssetRated(asset=it.asset, stars=it.number),
    lambda it: AssetRated(asset=it.asset, stars=it.number),
    lambda it: AssetRated(asset=it.asset, stars=it.number),
    lambda it: AssetTagged(asset=it.asset, tag=it.tag),
    lambda it: AssetTagged(asset=it.asset, tag=it.tag),
    lambda it: AssetUntagged(asset=it.asset, tag=it.tag),
    lambda it: AssetNoted(asset=it.asset, note=it.word),
    lambda it: TagDefined(tag=it.tag, name=f"tag {it.number}", color="#a0b0c0"),
    lambda it: TagDeleted(tag=it.tag),
    lambda it: ViewSaved(name="mine", settings={"sort": it.word, "columns": it.number}),
    lambda it: ViewDeleted(name="mine"),
    lambda it: AssetSeen(asset=it.asset, path=it.path, size=it.number, mtime=1, head="h"),
    lambda it: AssetMoved(asset=it.asset, source=it.path, path=it.other, op=it.word),
    _trashed,
    lambda it: FileRestored(trash=it.trash, path=it.path, asset=it.asset, op=it.word),
)


def edit(dice: Random) -> object:
    """One thing that somebody does."""
    said = _Said(
        _ASSETS[int(dice.random() * len(_ASSETS))],
        _TAGS[int(dice.random() * len(_TAGS))],
        _TRASH[int(dice.random() * len(_TRASH))],
        _PATHS[int(dice.random() * len(_PATHS))],
        _PATHS[int(dice.random() * len(_PATHS))],
        _WORDS[int(dice.random() * len(_WORDS))],
        int(dice.random() * 6),
    )
    return _EDITS[int(dice.random() * len(_EDITS))](said)
