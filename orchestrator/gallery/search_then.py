"""Judging files by what was said of them, now or at a moment of the past.

The index knows files as they lie now. As of a moment, a file that was moved or trashed since is
judged by itself; one that came later is not found.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path

from attrs import frozen

from events.assets import AssetId
from orchestrator.gallery.curating import Curation
from orchestrator.gallery.facts import read_facts
from orchestrator.gallery.index.model import Field
from orchestrator.gallery.index.store import Index
from orchestrator.gallery.recipe import Recipe
from projections.assets import Asset, State
from projections.project import ProjectView
from projections.trash import trash_place

NOTHING_SAID = Curation(None, 0, (), "", None)
#: Files that lie elsewhere by now which a search as of a moment looks into.
MOST_ELSEWHERE = 2_000


@frozen(kw_only=True)
class Judge:
    """Which files are wanted. Only asks for single keys, so any thread may use it."""

    #: The project now, and at the moment; the same if that is now.
    now: ProjectView
    then: ProjectView
    at: datetime | None
    #: Relative to the project; None is all of it.
    folder: str | None
    least_stars: int
    most_stars: int
    tags: tuple[str, ...]

    @property
    def asks_people(self) -> bool:
        """Whether what people said decides about a file."""
        return self.least_stars > 0 or self.most_stars < 5 or bool(self.tags)

    @property
    def asks_praise(self) -> bool:
        """Whether a file is only wanted if something was said of it."""
        return self.least_stars > 0 or bool(self.tags)

    def fits(self, asset: AssetId) -> bool:
        """Whether the stars and tags that an asset had are as wanted."""
        if not self.least_stars <= self.then.stars_of(asset) <= self.most_stars:
            return False
        return not self.tags or set(self.then.tags_of(asset)).issuperset(self.tags)

    def accepts(self, path: str, index: Index) -> bool:
        """Whether a file of the index was there, and is wanted. Blocks, on local disk."""
        asset = self.now.asset_at(path)
        known = None if asset is None else self.then.asset(asset)
        if asset is None or known is None:
            return not self.asks_praise and self._was_there(path, index)
        stayed = known.state is State.PRESENT and known.path == path
        return stayed and self.fits(asset)

    def _was_there(self, path: str, index: Index) -> bool:
        """Of a file that nobody had spoken of yet, only the index knows how old it is."""
        file = index.file(path)
        return self.at is not None and file is not None and file.birth_ns <= nanoseconds(self.at)

    def lies_inside(self, path: str) -> bool:
        """Whether a path is in the folder that is asked for, or below it."""
        return self.folder in (None, ".") or path.startswith(f"{self.folder}/")

    def elsewhere(self) -> Iterator[tuple[AssetId, Asset, str]]:
        """Wanted assets that lay in the project then and lie elsewhere now, and where.

        Goes through all assets of the past, which no record changes any more.
        """
        for asset, known in self.then.present():
            if not self.lies_inside(known.path):
                continue
            now = self.now.asset(asset)
            if now is None or (now.path == known.path and now.state is State.PRESENT):
                continue
            place = place_of(self.now, now)
            if place is not None and self.fits(asset):
                yield asset, known, place


def place_of(now: ProjectView, known: Asset) -> str | None:
    """Where an asset's file lies now, relative to the project; None if it is gone for good."""
    if known.state is State.PRESENT:
        return known.path
    trashed = None if known.trash is None else now.trashed(known.trash)
    return None if known.trash is None or trashed is None else trash_place(known.trash, trashed)


def nanoseconds(at: datetime) -> int:
    """A moment as the times of files are counted: in 64 bits, which reach from 1677 to 2262."""
    return max(-(2**63), min(int(at.timestamp() * 1e9), 2**63 - 1))


def texts_of(file: Path, name: str, fields: Collection[Field]) -> list[tuple[str, str]]:
    """What stands in a file, by field; only its name if it cannot be read. Blocks."""
    try:
        facts = read_facts(file)
    except OSError:
        return _texts(name, Recipe(), "", fields)
    return _texts(name, facts.recipe, facts.raw, fields)


def _texts(name: str, recipe: Recipe, raw: str, fields: Collection[Field]) -> list[tuple[str, str]]:
    texts: dict[Field, str] = {
        "filename": name,
        "prompt": recipe.prompt,
        "negative_prompt": recipe.negative_prompt,
        "model": "\n".join(recipe.models),
        "lora": "\n".join(recipe.loras),
        "seed": "" if recipe.seed is None else str(recipe.seed),
        "workflow": raw,
    }
    return [(field, text) for field, text in texts.items() if field in fields]
