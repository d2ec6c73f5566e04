"""The verdict: each acknowledged edit is in the log, nothing else is, and no file was harmed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from attrs import define, field

from events.assets import AssetMoved, AssetRelinked, AssetSeen
from events.curation import (
    AssetNoted,
    AssetRated,
    AssetTagged,
    AssetUntagged,
    TagDefined,
    TagDeleted,
)
from events.files import FilesPlanned, FilesSettled
from events.record import Record
from events.trash import FileRestored, FileTrashed
from events.views import ViewDeleted, ViewSaved
from tests.hosts.agreeing import records_of
from tests.hosts.ledger import MARK, Edit, Ledger

#: What an edit does. The rest prepares it, or tells of what could not be done.
DONE = (
    *(AssetRated, AssetNoted, AssetTagged, AssetUntagged, TagDefined, TagDeleted),
    *(ViewSaved, ViewDeleted, AssetMoved, FileTrashed, FileRestored),
)
#: How a fault begins that tells of one file under several names: nothing is lost by it.
DOUBLED = "doubled:"
#: What the service keeps for itself in `.gallery`; there is no file of a user among it.
OURS = {"FORMAT", "log", "claim", "live", "cold", "incoming"}


def verdict(project: Path, ledger: Ledger) -> list[str]:
    """All that is wrong with a project after the edits of a ledger; empty if nothing is. Blocks.

    Call it when no host works on the project any more, or all have become quiet.
    """
    told = Told.of(records_of(project))
    return [*_lost(told, ledger), *_false(told, ledger), *_harmed(project, ledger)]


@define(eq=False)
class Told:
    """The log, ordered for questions about edits."""

    by_actor: dict[str, list[Record]] = field(factory=lambda: defaultdict(list))
    #: Assets that ever lay at a path, and what was ever said of each.
    assets_at: dict[str, set[str]] = field(factory=lambda: defaultdict(set))
    stars: set[tuple[str, object]] = field(factory=set)
    tags: set[tuple[str, object]] = field(factory=set)

    @classmethod
    def of(cls, records: Sequence[Record]) -> Told:
        """Order records."""
        told = cls()
        for record in records:
            told.by_actor[record.actor].append(record)
            match record.event:
                case AssetSeen(asset=asset, path=path):
                    told.assets_at[path].add(asset)
                case (
                    AssetMoved(asset=asset, source=source, path=path)
                    | AssetRelinked(asset=asset, source=source, path=path)
                ):
                    told.assets_at[source].add(asset)
                    told.assets_at[path].add(asset)
                case FileRestored(asset=str(asset), path=path):
                    told.assets_at[path].add(asset)
                case AssetRated(asset=asset, stars=stars):
                    told.stars.add((asset, stars))
                case AssetTagged(asset=asset, tag=tag):
                    told.tags.add((asset, tag))
        return told

    def events(self, edit: Edit) -> list[object]:
        """What an edit did."""
        return [record.event for record in self.by_actor.get(edit.actor, ())]

    def already(self, path: str, what: object, said: Container[tuple[str, object]]) -> bool:
        """Whether something was said of an asset at a path: then saying it again tells nothing."""
        return any((asset, what) in said for asset in self.assets_at.get(path, ()))


def _lost(told: Told, ledger: Ledger) -> Iterator[str]:
    """Acknowledged edits that the log does not hold."""
    for edit in ledger.acknowledged:
        for what in _MISSING[edit.endpoint](told, edit):
            yield f"lost: {edit.actor} {edit.endpoint} was acknowledged by {edit.host}, but {what}"


def _rating_missing(told: Told, edit: Edit) -> Iterator[str]:
    mine = Counter(e.stars for e in told.events(edit) if isinstance(e, AssetRated))
    for path, stars in edit.answer["ratings"].items():
        if mine[stars] > 0:
            mine[stars] -= 1
        elif stars and not told.already(path, stars, told.stars):
            yield f"{stars} stars of {path} are not there"


def _note_missing(told: Told, edit: Edit) -> Iterator[str]:
    mine = [e for e in told.events(edit) if isinstance(e, AssetNoted)]
    for path, note in edit.answer["notes"].items():
        if not any(e.note == note and e.asset in told.assets_at[path] for e in mine):
            yield f"the note of {path} is not there"


def _mark_missing(told: Told, edit: Edit) -> Iterator[str]:
    for file in edit.answer["files"]:
        path = file["filePath"]
        for tag in edit.body["addTags"]:
            if not told.already(path, tag, told.tags):
                yield f"tag {tag} of {path} is not there"


def _tag_missing(told: Told, edit: Edit) -> Iterator[str]:
    events = told.events(edit)
    if edit.method == "DELETE":
        if not any(isinstance(e, TagDeleted) for e in events):
            yield "the tag was not deleted"
    elif not any(isinstance(e, TagDefined) and e.name == edit.body["name"] for e in events):
        yield f"the tag {edit.body['name']} is not there"


def _view_missing(told: Told, edit: Edit) -> Iterator[str]:
    events = told.events(edit)
    if edit.method == "DELETE":
        if not any(isinstance(e, ViewDeleted) for e in events):
            yield "the view was not deleted"
    elif not any(
        isinstance(e, ViewSaved) and e.settings["current_path"] == edit.body["currentPath"]
        for e in events
    ):
        yield "the view is not there"


def _move_missing(told: Told, edit: Edit) -> Iterator[str]:
    answer = edit.answer
    moved = answer.get("moved") or answer.get("renamed") or ()
    moved = moved or ([answer] if answer.get("newPath", "") != answer.get("oldPath", "") else [])
    went = dict(_settled(told.events(edit)))
    for each in moved:
        if went.get(each["oldPath"]) != each["newPath"]:
            yield f"{each['oldPath']} did not go to {each['newPath']}"
    yield from _stays_missing(told, answer.get("replaced") or (), edit)


def _settled(events: Sequence[object]) -> Iterator[tuple[str, str]]:
    """From where to where files went, by the plans of an edit that were carried out."""
    ends = {e.op: e for e in events if isinstance(e, FilesSettled)}
    for plan in events:
        if isinstance(plan, FilesPlanned) and plan.op in ends:
            end = ends[plan.op]
            failed = {each["step"] for each in end.failed}
            landed = {each["step"]: each["path"] for each in end.landed}
            for index, step in enumerate(plan.steps):
                if index not in failed and step.get("role") != "park":
                    yield step.get("path", step["from"]), landed.get(index, step["to"])


def _trash_missing(told: Told, edit: Edit) -> Iterator[str]:
    yield from _stays_missing(told, edit.answer["trashed"], edit)


def _stays_missing(told: Told, trashed: Sequence[Mapping[str, str]], edit: Edit) -> Iterator[str]:
    mine = {e.trash for e in told.events(edit) if isinstance(e, FileTrashed)}
    yield from (f"{e['path']} was not trashed" for e in trashed if e["trashId"] not in mine)


def _restore_missing(told: Told, edit: Edit) -> Iterator[str]:
    mine = {(e.trash, e.path) for e in told.events(edit) if isinstance(e, FileRestored)}
    for each in edit.answer["restored"]:
        if (each["trashId"], each["path"]) not in mine:
            yield f"{each['path']} was not restored"


def _undo_missing(told: Told, edit: Edit) -> Iterator[str]:
    undo = edit.answer["undo"]
    if undo is not None and undo not in {r.correlation for r in told.by_actor[edit.actor]}:
        yield "the undo is not there"


_MISSING: Mapping[str, Callable[[Told, Edit], Iterator[str]]] = {
    "ratings": _rating_missing,
    "notes": _note_missing,
    "file-tags": _mark_missing,
    "tags": _tag_missing,
    "views": _view_missing,
    "rename-file": _move_missing,
    "move-files": _move_missing,
    "batch-rename": _move_missing,
    "trash": _trash_missing,
    "restore": _restore_missing,
    "undo": _undo_missing,
}


def _false(told: Told, ledger: Ledger) -> Iterator[str]:
    """What the log holds although nobody asked for it, or although it was refused."""
    for actor, records in told.by_actor.items():
        if not actor.startswith(MARK):
            continue
        edit = ledger.edits.get(actor)
        if edit is None:
            yield f"false: nobody has ever been called {actor}"
            continue
        done = [record.event for record in records if isinstance(record.event, DONE)]
        if edit.refused and done:
            yield f"false: {actor} was refused with {edit.status}, but did {done[:2]}"
        if edit.endpoint == "ratings":
            asked = {*(edit.body.get("ratings") or {}).values(), edit.body.get("rating")}
            wrong = [e for e in done if not isinstance(e, AssetRated) or e.stars not in asked]
        elif edit.endpoint == "notes":
            wrong = [
                e for e in done if not isinstance(e, AssetNoted) or e.note != edit.body["note"]
            ]
        else:
            continue
        if wrong:
            yield f"false: {actor} asked for {edit.body}, but did {wrong[:2]}"
    failed = [edit for edit in ledger.edits.values() if edit.status == 500]
    yield from (f"failed: {edit.actor} {edit.endpoint}: {edit.answer}" for edit in failed)


def _harmed(project: Path, ledger: Ledger) -> Iterator[str]:
    """Files that are gone, doubled, changed, or nobody's."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in project.rglob("*"):
        parts = path.relative_to(project).parts
        if path.is_file() and not (parts[0] == ".gallery" and parts[1] in OURS):
            found[sha256(path.read_bytes()).hexdigest()].append("/".join(parts))
    for digest, name in ledger.files.items():
        places = found.pop(digest, [])
        if len(places) > 1 and len({(project / place).stat().st_ino for place in places}) == 1:
            yield f"{DOUBLED} the file that was {name} has the names {places}"
        elif len(places) != 1:
            yield f"harmed: the file that was {name} lies at {places or 'no place'}"
    for places in found.values():
        if ledger.files or len(places) > 1:
            yield f"harmed: {places} have bytes that no file ever had"
