"""One request about some files: what of it is there, what is planned, and what became of it.

Planning blocks; reporting does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import chain

from attrs import define, field, frozen

from orchestrator.errors import (
    FileCollides,
    FileMissing,
    FileNotMoved,
    NameInvalid,
    OrchestratorError,
)
from orchestrator.gallery.fileops.engine import Done
from orchestrator.gallery.fileops.looking import Companion, Folders, Item, look
from orchestrator.gallery.fileops.names import check_name, path_key
from orchestrator.gallery.fileops.planning import (
    Wish,
    free_place,
    into_trash,
    joined,
    plan_moves,
    plan_trash,
)
from orchestrator.gallery.fileops.steps import Role, Step
from orchestrator.gallery.finder import Finder
from orchestrator.gallery.media import is_media
from orchestrator.project import Project


class Conflict(StrEnum):
    """What to do if the name is taken where a file is to go."""

    #: Give the file that comes another name.
    RENAME = "rename"
    #: Leave it where it is.
    SKIP = "skip"
    #: Put what is there into the trash first.
    OVERWRITE = "overwrite"


@define  # not frozen: a request makes thousands, and freezing costs
class Moved:
    """What became of one file of a request."""

    #: As the client sent it.
    asked: str
    #: Where it lay, relative to the project; None if there was no such file.
    path: str | None
    #: Where it lies now; None if it stayed, was trashed or deleted.
    to: str | None
    #: Its id in the trash, if it went there or came from there.
    trash: str | None = None
    error: OrchestratorError | None = None
    #: Whether it was left where it is because the client said so.
    skipped: bool = False
    #: Where it lay before it went to the trash, if it came from there.
    origin: str | None = None


@frozen
class Report:
    """What became of a request."""

    #: Names the whole in the history, to undo it.
    batch: str
    files: tuple[Moved, ...]
    #: What was put into the trash to make room: path and id.
    replaced: tuple[Moved, ...] = ()


@define(eq=False)
class Request:
    """One request about some files: what is there, what is refused, what became of it."""

    finder: Finder
    project: Project
    asked: Sequence[str]
    folders_too: bool = field(alias="folders")
    items: Sequence[Item] = ()
    folders: Folders = field(init=False)
    #: Other spellings of what was asked for before.
    again: dict[str, str] = field(factory=dict)
    #: Errors by what was asked for.
    refused: dict[str, OrchestratorError] = field(factory=dict)
    skipped: set[str] = field(factory=set)
    #: Where in the trash files go, by the folder that they come from.
    _shelves: dict[str, str] = field(factory=dict)

    @folders.default
    def _folders(self) -> Folders:
        return Folders(self.project.root)

    def look(self) -> None:
        """Find the files. Blocks."""
        found = look(self.finder, self.project.root, self.asked, folders=self.folders_too)
        self.items, self.again = found.items, found.again
        self.refused.update(found.missing)

    def plan_names(self, names: Mapping[str, str], op: str) -> Sequence[Step]:
        """Plan to give each file its new name, by what was asked for."""
        asked = {item.asked: item for item in self.items} if self.again else {}
        for path, first in self.again.items():
            if names[path] != names[first]:
                item, to = asked[first], names[path]
                reason = "it is to have two names"
                self.refused[path] = FileCollides(item.path, to, "twice", reason, item.path)
        wishes = []
        for item in self.items:
            name = names[item.asked]
            if item.is_folder or is_media(name) or check_name(name) is not None:
                wishes.append(Wish(item, joined(item.folder, name)))
            else:
                self.refused[item.asked] = NameInvalid(name, "the gallery shows no such files")
        return self.plan_wishes(wishes, op)

    def plan_trash(self) -> Sequence[Step]:
        """Plan to put all files into the trash."""
        return plan_trash(self.project.view, self.folders, self.items, self._shelves)

    def plan_wishes(self, wishes: Sequence[Wish], op: str) -> Sequence[Step]:
        """Plan moves; what collides is refused."""
        planned = plan_moves(self.project.view, self.folders, wishes, op)
        if planned.refused:
            asked = {item.path: item.asked for item in self.items}
            self.refused.update((asked[path], error) for path, error in planned.refused.items())
        return planned.steps

    def plan_into(self, folder: str, conflict: Conflict, op: str) -> Sequence[Step]:
        """Plan to bring all files into a folder, and settle conflicts as asked."""
        wishes: list[Wish] = []
        making_room: dict[str, list[Step]] = {}
        #: A file of the request never replaces another one of it.
        mine = {path_key(item.path) for item in self.items}
        taken: set[str] = set()
        for item in self.items:
            if item.folder == folder:
                self.skipped.add(item.asked)
                continue
            to = joined(folder, item.name)
            key = path_key(to)
            if conflict is not Conflict.RENAME and (key in taken or self.folders.has(to)):
                if conflict is Conflict.SKIP:
                    self.skipped.add(item.asked)
                    continue
                if key not in mine and key not in taken:
                    making_room[item.asked] = self._make_room(item, to)
            if item.asked not in self.refused:
                companions = self.folders.companions(item)
                wishes.append(Wish(item, self._place(item, to, companions, conflict, taken)))
        steps = self.plan_wishes(wishes, op)
        # What cannot come replaces nothing.
        room = (steps for asked, steps in making_room.items() if asked not in self.refused)
        return [*chain.from_iterable(room), *steps]

    def _place(
        self,
        item: Item,
        to: str,
        companions: Sequence[Companion],
        conflict: Conflict,
        taken: set[str],
    ) -> str:
        key = path_key(to)
        if conflict is Conflict.RENAME or key in taken or self.folders.has(to):
            return free_place(self.folders, item, to.rpartition("/")[0], companions, taken)
        taken.add(key)
        return to

    def _make_room(self, item: Item, to: str) -> list[Step]:
        """Put what lies at `to` into the trash; refuse the item if that is no file of ours."""
        folder, _, name = to.rpartition("/")
        key = path_key(name)
        there = next(each for each in self.folders.names(folder) if path_key(each) == key)
        found = look(self.finder, self.project.root, [joined(folder, there)], folders=False)
        if found.missing:
            reason = f"{there!r} is there, and cannot be replaced"
            self.refused[item.asked] = FileCollides(item.path, to, "taken", reason, there)
            return []
        (file,) = found.items
        beside = self.folders.companions(file)
        steps = list(into_trash(self.project.view, file, beside, self._shelves))
        self.folders.forget(step.source for step in steps)
        return steps

    def report(self, done: Done) -> Report:
        """What became of each file that was asked for, in that order."""
        by_path = {
            step.origin: index
            for index, step in enumerate(done.steps)
            if step.of is None and step.role is not Role.PARK
        }
        lay = {item.asked: item.path for item in self.items}
        files = []
        for path in dict.fromkeys(self.asked):
            first = self.again.get(path, path)
            where = lay.get(first)
            refused = self.refused.get(path) or self.refused.get(first)
            if refused is not None:
                files.append(Moved(path, where, None, error=refused))
            elif first in self.skipped:
                files.append(Moved(path, where, None, skipped=True))
            elif where is not None and where in by_path:
                files.append(_moved(path, done, by_path[where]))
        mine = set(lay.values())
        # What could not be put aside, because another host was faster, was not replaced by us.
        replaced = [
            _moved(path, done, index)
            for path, index in by_path.items()
            if path not in mine and index not in done.failed
        ]
        return Report(done.batch, tuple(files), tuple(replaced))


def _moved(asked: str, done: Done, index: int) -> Moved:
    step = done.steps[index]
    failed = done.failed.get(index)
    origin, to = step.origin, done.landed.get(index) or None
    if failed is None:
        return Moved(asked, origin, to, step.trash)
    missing = failed in ("ENOENT", "ENOTDIR")
    error = FileMissing(origin) if missing else FileNotMoved(origin, step.to, failed)
    return Moved(asked, origin, to, step.trash, error)
