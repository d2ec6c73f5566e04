"""One search put together: what people said, what the index has, what lies elsewhere by now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime
from heapq import nsmallest

from attrs import define, field, frozen

from events.assets import AssetId
from orchestrator.commands.curation import MAX_STARS
from orchestrator.gallery.curating import Curation, curation_of
from orchestrator.gallery.index.model import USUAL_FIELDS, Field, Hit, Search
from orchestrator.gallery.index.query import Query
from orchestrator.gallery.index.store import Index
from orchestrator.gallery.search_said import (
    Meant,
    Place,
    SaidField,
    left,
    masks,
    said_texts,
    within,
)
from orchestrator.gallery.search_then import (
    MOST_ELSEWHERE,
    NOTHING_SAID,
    Judge,
    nanoseconds,
    texts_of,
)
from orchestrator.project import Project

#: What a word that people said is worth beside those that stand in files.
_SAID_SCORE = 1_000.0


@frozen(kw_only=True)
class Wanted:
    """What to look for."""

    text: str = ""
    fields: frozenset[Field] = USUAL_FIELDS
    said: frozenset[SaidField] = frozenset()
    #: Relative to the project, or absolute inside it; None is the whole project.
    folder: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    least_stars: int = 0
    most_stars: int = 5
    #: All of these must be on the file.
    tags: tuple[str, ...] = ()
    limit: int = 100
    offset: int = 0


@frozen
class Match:
    """A file that was found, with what is said of it."""

    #: The path at the moment asked for.
    path: str
    #: Where it lies now, absolute.
    lies: str
    field: str | None
    context: str
    start: int
    end: int
    score: float
    curation: Curation


@frozen
class Matches:
    """The answer to a search."""

    total: int
    total_is_exact: bool
    matches: list[Match]


@frozen
class _Found:
    """A file that was found."""

    #: Where it lies now, relative to the project.
    lies: str
    field: str | None
    context: str
    start: int
    end: int
    score: float
    #: The asset, and where it lay, if that is elsewhere.
    asset: AssetId | None = None
    path: str | None = None


@define
class Asking:
    """One search, as it is put together. Functions that say that they block run in threads."""

    project: Project
    wanted: Wanted
    judge: Judge
    query: Query
    meant: Meant
    #: All assets that were ever tagged, and rated, if that matters to the words or the filters.
    tagged: Sequence[str] = ()
    rated: Sequence[str] = ()
    total: int = 0
    exact: bool = True
    _found: list[_Found] = field(factory=list)

    @property
    def _most(self) -> int:
        """So many of each kind can be on the page that is wanted, or before it."""
        return self.wanted.offset + self.wanted.limit

    def look_elsewhere(self) -> None:
        """Find what was moved or trashed since the moment asked for. Blocks on the share."""
        count = 0
        for asset, known, place in self.judge.elsewhere():
            if count == MOST_ELSEWHERE:
                self.exact = False
                return
            if not self._in_time(known.mtime):
                continue
            count += 1
            said = curation_of(self.judge.then, asset)
            names = [tag.name for _, tag in said.tags]
            texts = texts_of(self.project.root / place, _name(known.path), self.wanted.fields)
            texts += said_texts(names, said.stars, self.wanted.said)
            found = within(self.query, texts)
            if found is not None:
                self.total += 1
                self._add(place, found, 0.0, asset, known.path)

    def ask(self, index: Index) -> None:
        """Find what lies where it lay. Blocks on local disk."""
        tags, ratings = map(self.judge.then.tables.table, ("tags", "ratings"))
        marked, barred = masks(
            self.meant,
            ((asset, tags[asset]) for asset in self.tagged),
            ((asset, ratings[asset]) for asset in self.rated),
        )
        groups: dict[int, dict[str, AssetId]] = {}
        chosen, unwanted = self._chosen(), self._too_good()
        aside = set(unwanted)
        for asset, mask in marked.items():
            path = self._path_of(asset)
            if path is not None:
                groups.setdefault(mask, {})[path] = asset
                aside.add(path)
        aside.update(path for asset in barred if (path := self._path_of(asset)) is not None)
        whole = (1 << len(self.query.wanted)) - 1
        # Those first of which people said most.
        for mask, group in sorted(groups.items(), key=lambda pair: -pair[0].bit_count()):
            if mask == whole and not self.query.unwanted:
                self._all_said(index, group)
            elif self.wanted.fields:
                among = group.keys() - unwanted if chosen is None else group.keys() & chosen
                self._search(index, left(self.query, mask), among, mask=mask)
        if self.wanted.fields:
            self._search(index, self.wanted.text, chosen, aside)
        elif not self.query.wanted:
            self._search(index, "", chosen, aside)

    def _chosen(self) -> set[str] | None:
        """Where those files lie that a filter lets through; None if it needs nothing to be said."""
        judge = self.judge
        if not judge.asks_praise:
            return None
        if judge.tags:
            return self._places(asset for asset in self.tagged if judge.fits(AssetId(asset)))
        return self._places(self._with_stars(judge.least_stars, judge.most_stars))

    def _too_good(self) -> set[str]:
        """Where those files lie that have more stars than are wanted."""
        judge = self.judge
        if judge.asks_praise or not judge.asks_people:
            return set()
        return self._places(self._with_stars(judge.most_stars + 1, MAX_STARS))

    def _with_stars(self, least: int, most: int) -> list[str]:
        """Assets, wherever they are. Of a hundred thousand each microsecond counts."""
        ratings = self.judge.then.tables.table("ratings")
        return [asset for asset in self.rated if least <= ratings[asset].stars <= most]

    def _places(self, assets: Iterable[str]) -> set[str]:
        paths = (self._path_of(AssetId(asset)) for asset in assets)
        return {path for path in paths if path is not None}

    def _path_of(self, asset: AssetId) -> str | None:
        """Where an asset lies, if it does and did then."""
        known = self.judge.then.asset(asset)
        if known is None or self.judge.now.asset_at(known.path) != asset:
            return None
        if self.judge.then.asset_at(known.path) != asset or not self.judge.lies_inside(known.path):
            return None
        return known.path

    def _all_said(self, index: Index, group: Mapping[str, AssetId]) -> None:
        """Files of which people said all that is looked for."""
        gone = {file.path for file in index.missing()}
        judge, view = self.judge, self.judge.then
        fitting = [
            (view.stars_of(asset), path, asset)
            for path, asset in group.items()
            if path not in gone
            and (known := view.asset(asset)) is not None
            and self._in_time(known.mtime)
            and judge.fits(asset)
        ]
        self.total += len(fitting)
        # Sorting all of them would hold up the loop: no other thread runs meanwhile.
        for stars, path, asset in nsmallest(self._most, fitting, lambda it: (-it[0], it[1])):
            names = [tag.name for _, tag in curation_of(view, asset).tags]
            found = within(self.query, said_texts(names, stars, self.wanted.said))
            score = _SAID_SCORE * len(self.query.wanted) + stars
            self._add(path, found or Place("tag", ", ".join(names), 0, 0), score, asset)

    def _search(
        self,
        index: Index,
        text: str,
        among: Set[str] | None,
        without: Set[str] = frozenset(),
        *,
        mask: int = 0,
    ) -> None:
        """Ask the index, for files among some, or for all but some."""
        judge = self.judge
        # Of which something was said, the log knows where it lay; of all others, nobody but the
        # index knows whether they were there.
        asks = judge.at is not None and among is None
        since, until = self.wanted.since, self.wanted.until
        found = index.search(
            Search(
                text=text,
                fields=self.wanted.fields or USUAL_FIELDS,
                folder=judge.folder,
                since=None if since is None else nanoseconds(since),
                until=None if until is None else nanoseconds(until),
                among=among,
                without=without,
                accept=(lambda path: judge.accepts(path, index)) if asks else None,
                limit=self._most,
            )
        )
        self.total += found.total
        self.exact = self.exact and found.total_is_exact
        extra = _SAID_SCORE * mask.bit_count()
        self._found += (_of(hit, extra) for hit in found.hits)

    def _in_time(self, mtime: int) -> bool:
        since, until = self.wanted.since, self.wanted.until
        return (since is None or mtime >= nanoseconds(since)) and (
            until is None or mtime < nanoseconds(until)
        )

    def _add(
        self, lies: str, found: Place, score: float, asset: AssetId, path: str | None = None
    ) -> None:
        place = (found.field, found.context, found.start, found.end)
        self._found.append(_Found(lies, *place, score, asset, path))

    def answer(self) -> Matches:
        """The page that is wanted. On the event loop."""
        page = self._found[self.wanted.offset : self._most]
        return Matches(self.total, self.exact, [self._match(found) for found in page])

    def _match(self, found: _Found) -> Match:
        asset = found.asset or self.judge.now.asset_at(found.lies)
        said = NOTHING_SAID if asset is None else curation_of(self.judge.then, asset)
        return Match(
            found.path or found.lies,
            str(self.project.root / found.lies),
            found.field,
            found.context,
            found.start,
            found.end,
            found.score,
            said,
        )


def _of(hit: Hit, extra: float) -> _Found:
    return _Found(hit.path, hit.field, hit.context, hit.start, hit.end, hit.score + extra)


def _name(path: str) -> str:
    return path.rpartition("/")[2]
