"""A page of a project's history, newest first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from attrs import frozen

from events.stamp import before
from orchestrator.gallery.past.selecting import by, first_of
from orchestrator.gallery.past.telling import Told, tell
from orchestrator.gallery.past.trails import asset_of, asset_trail, path_trail
from projections.assets import Place
from projections.history import Edit, History
from projections.project import ProjectView


@frozen(kw_only=True)
class Asked:
    """Which edits are to be shown; None is no restriction."""

    #: A file, relative to the project: the one that lies there, or lay there last.
    path: str | None = None
    actor: str | None = None
    host: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 100
    #: The id that the last page ended with.
    cursor: str | None = None


@frozen
class Page:
    """Edits, newest first."""

    edits: tuple[Told, ...]
    #: What the next page is asked with; None if there is none.
    cursor: str | None


def page(history: History, view: ProjectView, asked: Asked) -> Page:
    """The edits that were asked for."""
    first = None if asked.since is None else first_of(asked.since)
    ends = [asked.cursor, None if asked.until is None else before(asked.until)]
    end = min((bound for bound in ends if bound is not None), default=None)
    if asked.path is None:
        edits: Iterable[Edit] = reversed(history.between(first, end))
    else:
        edits = _within(file_edits(history, view, asked.path), first, end)
    shown: list[Told] = []
    for edit in edits:
        if not by(edit, asked.actor, asked.host):
            continue
        if len(shown) == asked.limit:
            return Page(tuple(shown), shown[-1].id)
        shown.append(tell(history, view, edit))
    return Page(tuple(shown), None)


def file_edits(history: History, view: ProjectView, path: str) -> list[Edit]:
    """Everything that was done to a file, whatever it was called, newest first.

    Another file that had the name before it is another story.
    """
    place: Place | None = view.tables.table("places").get(path)
    moves = path_trail(history, view, path)
    heir = next((asset for edit in moves if (asset := asset_of(edit)) is not None), None)
    asset = view.asset_at(path) or heir
    # What came to the name last counts: an asset, or a file of which nobody has said anything.
    if asset is None and place is not None and (not moves or moves[0].id < place.as_of):
        asset = place.asset
    if asset is None:
        return moves
    found = {edit.id: edit for edit in (*history.about(asset), *asset_trail(history, asset))}
    return [found[edit_id] for edit_id in sorted(found, reverse=True)]


def _within(edits: Iterable[Edit], first: str | None, end: str | None) -> Iterator[Edit]:
    for edit in edits:
        if (end is None or edit.id < end) and (first is None or edit.id >= first):
            yield edit
