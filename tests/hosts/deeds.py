"""What a person does next: one edit of the gallery, often of what others edit just then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from attrs import define, field

from tests.hosts.ledger import FOLDERS, Edit, Ledger

#: Names that files are given: few, so that hosts want the same.
NAMES = 40
#: Tags that are in use at a time, and names of views.
TAGS, VIEWS = 8, 4
#: Files of a request about many.
MOST = 25


@define(eq=False)
class Deeds:
    """Draws edits, and learns from their answers where files are; often too late, as people do."""

    chance: Random
    ledger: Ledger
    #: Where files lie, as far as we have heard.
    paths: list[str] = field(factory=list)
    #: Ids of what lies in the trash, of tags, and of batches that can be undone.
    trash: list[str] = field(factory=list)
    tags: list[str] = field(factory=list)
    batches: list[str] = field(factory=list)
    #: How many of a hundred edits move files about.
    moving: int = 20

    def draw(self) -> Edit:
        """The next edit, not sent yet."""
        deeds: tuple[Callable[[], Edit], ...]
        if self.chance.randrange(100) < self.moving:
            deeds = (self._rename, self._move, self._trash, self._restore, self._batch_rename)
        else:
            deeds = (
                *(self._rate, self._rate, self._rate_many, self._note, self._note_many),
                *(self._file_tags, self._file_tags_many, self._tag, self._view, self._undo),
            )
        return self.chance.choice(deeds)()

    def _some(self, most: int) -> list[str]:
        count = min(len(self.paths), self.chance.randint(1, most))
        return self.chance.sample(self.paths, count) or ["nothing.png"]

    def _one(self) -> str:
        # The first files are everybody's favourites.
        few = self.paths[:6] if self.chance.random() < 0.5 else self.paths
        return self.chance.choice(few) if few else "nothing.png"

    def _open(self, endpoint: str, method: str = "POST", **body: Any) -> Edit:
        return self.ledger.open(endpoint, body, method)

    def _unique(self) -> str:
        return f"said {len(self.ledger.edits)}"

    def _rate(self) -> Edit:
        return self._open("ratings", filePath=self._one(), rating=self.chance.randint(0, 5))

    def _rate_many(self) -> Edit:
        stars = {path: self.chance.randint(1, 5) for path in self._some(MOST)}
        return self._open("ratings", ratings=stars)

    def _note(self) -> Edit:
        return self._open("notes", filePath=self._one(), note=self._unique())

    def _note_many(self) -> Edit:
        return self._open("notes", files=self._some(MOST), note=self._unique())

    def _file_tags(self) -> Edit:
        tags = self.chance.sample(self.tags, min(2, len(self.tags)))
        path = self._one()
        return self._open("file-tags", filePath=path, addTags=tags[:1], removeTags=tags[1:])

    def _file_tags_many(self) -> Edit:
        tags = self.chance.sample(self.tags, min(2, len(self.tags)))
        paths = self._some(MOST)
        return self._open("file-tags", files=paths, addTags=tags[:1], removeTags=tags[1:])

    def _tag(self) -> Edit:
        color = f"#{self.chance.randrange(1 << 24):06x}"
        if len(self.tags) < TAGS:
            return self._open("tags", name=f"tag {self._unique()}", color=color)
        tag = self.chance.choice(self.tags)
        if self.chance.random() < 0.05:
            return self._open("tags", "DELETE", tagId=tag)
        return self._open("tags", name=f"tag {self._unique()}", color=color, tagId=tag)

    def _view(self) -> Edit:
        name = f"view {self.chance.randrange(VIEWS)}"
        if self.chance.random() < 0.2:
            return self._open("views", "DELETE", name=name)
        return self._open("views", name=name, currentPath=self._unique())

    def _rename(self) -> Edit:
        name = f"p{self.chance.randrange(NAMES):03}.png"
        return self._open("rename-file", filePath=self._one(), newName=name)

    def _move(self) -> Edit:
        conflict = self.chance.choice(("rename", "rename", "skip", "overwrite"))
        to = self.chance.choice(FOLDERS)
        return self._open("move-files", files=self._some(3), destination=to, conflict=conflict)

    def _trash(self) -> Edit:
        return self._open("trash", files=self._some(2))

    def _restore(self) -> Edit:
        some = self.chance.sample(self.trash, min(len(self.trash), 4))
        return self._open("restore", trashIds=some) if some else self._trash()

    def _batch_rename(self) -> Edit:
        paths, start = self._some(4), self.chance.randrange(NAMES)
        return self._open(
            "batch-rename", files=paths, mode="sequential", prefix="p", startNumber=start
        )

    def _undo(self) -> Edit:
        if not self.batches:
            return self._note()
        force = self.chance.random() < 0.3
        return self._open("undo", batch=self.chance.choice(self.batches), force=force)

    # What answers teach.

    def learn(self, edit: Edit) -> None:
        """Hear what came of an edit."""
        if not edit.acknowledged:
            if edit.status in {404, 409} and isinstance(edit.body.get("filePath"), str):
                self._forget(self.paths, edit.body["filePath"])
            if edit.status == 404 and "tagId" in edit.body:
                self._forget(self.tags, edit.body["tagId"])
            return
        answer = edit.answer
        for told in answer.get("errors") or ():
            for known in (self.paths, self.trash):
                self._forget(known, told["filePath"])
        if batch := answer.get("batch") or answer.get("undo"):
            self.batches = [*self.batches[-20:], batch]
        if learn := _LEARNED.get(edit.endpoint):
            learn(self, edit)

    def _forget(self, known: list[str], what: str) -> None:
        if what in known:
            known.remove(what)

    def _went(self, source: str | None, to: str | None) -> None:
        if source is not None:
            self._forget(self.paths, source)
        if to is not None and to not in self.paths:
            self.paths.append(to)

    def _learn_moved(self, edit: Edit) -> None:
        moved = edit.answer.get("moved") or edit.answer.get("renamed") or ()
        moved = moved or ([edit.answer] if "newPath" in edit.answer else [])
        for each in moved:
            self._went(each["oldPath"], None)
        for each in moved:
            self._went(None, each["newPath"])
        self.trash += [each["trashId"] for each in edit.answer.get("replaced") or ()]

    def _learn_trashed(self, edit: Edit) -> None:
        for each in edit.answer["trashed"]:
            self._went(each["path"], None)
            self.trash.append(each["trashId"])

    def _learn_restored(self, edit: Edit) -> None:
        for each in edit.answer["restored"]:
            self._forget(self.trash, each["trashId"])
            self._went(None, each["path"])

    def _learn_tag(self, edit: Edit) -> None:
        if edit.method == "DELETE":
            self._forget(self.tags, edit.body["tagId"])
        elif edit.answer["tag"]["id"] not in self.tags:
            self.tags.append(edit.answer["tag"]["id"])


_LEARNED: Mapping[str, Callable[[Deeds, Edit], None]] = {
    "rename-file": Deeds._learn_moved,
    "move-files": Deeds._learn_moved,
    "batch-rename": Deeds._learn_moved,
    "trash": Deeds._learn_trashed,
    "restore": Deeds._learn_restored,
    "tags": Deeds._learn_tag,
}
