"""Which files people said something of that a search looks for: in a tag's name, or as stars. Pure.

A word of a query may be met by what people said, and the others by what stands in the file. So each
file has a mask: one bit for each wanted term that is met by what was said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal, TypeVar

from attrs import frozen

from events.assets import AssetId
from events.curation import TagId
from orchestrator.gallery.index.excerpts import Text, excerpt
from orchestrator.gallery.index.query import Query, Term
from orchestrator.gallery.index.words import Haystack
from projections.project import ProjectView
from projections.ratings import Rating
from projections.tags import AssetTags

#: Fields that the log answers for.
SaidField = Literal["tag", "rating"]
K = TypeVar("K")
_STARS = range(1, 6)


@frozen
class Place:
    """Some text around a match, and where the match stands in it."""

    field: str
    context: str
    start: int
    end: int


@frozen
class Meant:
    """What the terms of a query mean to people: tags and stars, as bits of a mask."""

    tags: Mapping[TagId, int]
    stars: Mapping[int, int]
    #: Those that must not be on a file.
    barred_tags: frozenset[TagId] = frozenset()
    barred_stars: frozenset[int] = frozenset()

    @property
    def asks_tags(self) -> bool:
        """Whether any tag is meant."""
        return bool(self.tags or self.barred_tags)

    @property
    def asks_stars(self) -> bool:
        """Whether any number of stars is meant."""
        return bool(self.stars or self.barred_stars)


def meaning(view: ProjectView, query: Query, fields: frozenset[SaidField]) -> Meant:
    """Which tags and stars the terms of a query name."""
    names = {tag: Haystack(known.name) for tag, known in view.tags().items()}
    tags = names if "tag" in fields else {}
    stars = {n: Haystack(str(n)) for n in _STARS} if "rating" in fields else {}
    return Meant(
        {tag: mask for tag, hay in tags.items() if (mask := _mask(hay, query.wanted))},
        {n: mask for n, hay in stars.items() if (mask := _mask(hay, query.wanted))},
        frozenset(tag for tag, hay in tags.items() if _mask(hay, query.unwanted)),
        frozenset(n for n, hay in stars.items() if _mask(hay, query.unwanted)),
    )


def _mask(haystack: Haystack, terms: Sequence[Term]) -> int:
    """A bit for each term that stands in a text."""
    found = (haystack.find(term.words, prefix=term.prefix) is not None for term in terms)
    return sum(1 << bit for bit, is_there in enumerate(found) if is_there)


def masks(
    meant: Meant,
    tags: Iterable[tuple[str, AssetTags]],
    ratings: Iterable[tuple[str, Rating]],
) -> tuple[dict[AssetId, int], set[AssetId]]:
    """The mask of each asset that has one, and the assets that must not be found.

    Args:
        meant: What the query means.
        tags: Assets with what is said of their tags; only asked for if any tag is meant.
        ratings: Assets with their stars; likewise.
    """
    found: dict[AssetId, int] = {}
    barred: set[AssetId] = set()
    if meant.asks_tags:
        for asset, marks in tags:
            _mark(meant.tags, meant.barred_tags, marks.present(), AssetId(asset), found, barred)
    if meant.asks_stars:
        for asset, rating in ratings:
            _mark(meant.stars, meant.barred_stars, (rating.stars,), AssetId(asset), found, barred)
    for asset_id in barred:
        found.pop(asset_id, None)
    return found, barred


def _mark(
    meant: Mapping[K, int],
    unwanted: Collection[K],
    has: Iterable[K],
    asset: AssetId,
    found: dict[AssetId, int],
    barred: set[AssetId],
) -> None:
    """Note what one asset has of what is meant."""
    for each in has:
        if each in meant:
            found[asset] = found.get(asset, 0) | meant[each]
        if each in unwanted:
            barred.add(asset)


def left(query: Query, mask: int) -> str:
    """The query without the terms that a mask has, as text."""
    wanted = (term for bit, term in enumerate(query.wanted) if not mask >> bit & 1)
    return " ".join(map(_written, (*wanted, *query.unwanted)))


def _written(term: Term) -> str:
    """A term as it can be typed; `parse` makes the same of it."""
    minus = "-" if term.negated else ""
    if term.prefix:
        return minus + ".".join(term.words)
    return f'{minus}"{" ".join(term.words)}"'


def said_texts(
    tags: Iterable[str], stars: int, fields: frozenset[SaidField]
) -> list[tuple[str, str]]:
    """What was said of a file as texts to look into, by field."""
    texts = [("tag", ", ".join(tags))] if "tag" in fields else []
    return [*texts, ("rating", str(stars))] if stars and "rating" in fields else texts


def within(query: Query, texts: Iterable[tuple[str, str]]) -> Place | None:
    """Where texts together match a query; None if they do not."""
    haystacks = [(name, Haystack(text)) for name, text in texts if text]

    def has(term: Term) -> bool:
        return any(hay.find(term.words, prefix=term.prefix) is not None for _, hay in haystacks)

    if not all(map(has, query.wanted)) or any(map(has, query.unwanted)):
        return None
    # The names of what is said are no fields of the index; the excerpt passes any name on.
    ready = [Text(name, hay) for name, hay in haystacks]  # type: ignore[arg-type]
    found = excerpt(ready, query.wanted)
    return Place(found.field or "filename", found.context, found.start, found.end)
