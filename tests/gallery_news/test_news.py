"""What records change in a gallery, kept under rising numbers for those who come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from events.assets import AssetId, AssetMoved, AssetRelinked, AssetSeen
from events.curation import AssetRated, TagDefined, TagId
from events.files import FilesFailed, FilesPlanned, FilesSettled
from events.record import Record
from events.stamp import stamp
from events.trash import FilePurged, FileRestored, FileTrashed, TrashId
from orchestrator.gallery import news as news_module
from orchestrator.gallery.index.model import Progress, ScanReport
from orchestrator.gallery.news import Change, GalleryNews, News
from orchestrator.host import Host
from orchestrator.project import Project, open_project

CAT = AssetId("cat")
SEEN = AssetSeen(asset=CAT, path="p/cat.png", size=10, mtime=1, head="h")
WRITER = "0000000000000001"


@define
class Desk:
    """A project, and the news of it."""

    folder: Path
    news: GalleryNews = field(factory=GalleryNews)
    project: Project = field(init=False)
    _told: int = 0

    def __attrs_post_init__(self) -> None:
        (self.folder / "film").mkdir()
        self.project = self.opened()

    def opened(self) -> Project:
        """The project, opened anew."""
        host = Host("hosthosthost", "workstation")
        project = open_project(self.folder / "film", host, self.folder / "cache", "code")
        project.listeners = [self.news.hear]
        return project

    def happen(self, *events: object, batch: str | None = "b1") -> None:
        """These were recorded, in one transaction."""
        records = []
        for event in events:
            self._told += 1
            at = stamp(self._told << 16, WRITER)
            records.append(Record(at, event, "mara", "ada", WRITER, self._told, batch))
        self.project.apply(records)

    def since(self, cursor: str, most: int = 100) -> list[Change]:
        """What came after a cursor that is known."""
        found = self.news.since(self.project, cursor, most)
        assert found is not None
        return found[1]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """With an empty project."""
    return Desk(tmp_path)


def told(changes: list[Change]) -> list[tuple[str, str | None, str | None]]:
    """Event, old and new path."""
    return [(change.event, change.old_path, change.path) for change in changes]


class TestChanges:
    def test_who_and_how_it_is_now(self, desk: Desk) -> None:
        """Each change has all that a client shows."""
        cursor = desk.news.cursor(desk.project)
        desk.happen(SEEN, AssetRated(asset=CAT, stars=4))
        seen, rated = desk.since(cursor)
        assert (seen.event, seen.path) == ("asset.seen", "p/cat.png")
        assert rated.now == {"rating": 4, "tags": [], "note": ""}
        assert (rated.actor, rated.host, rated.batch, rated.asset) == ("mara", "ada", "b1", CAT)

    def test_how_it_is_by_then(self, desk: Desk) -> None:
        """Whoever reads late is told where a file lay, and what is said of it now."""
        cursor = desk.news.cursor(desk.project)
        desk.happen(SEEN, AssetRated(asset=CAT, stars=4))
        desk.happen(AssetMoved(asset=CAT, source="p/cat.png", path="a.png", op="o"))
        desk.happen(AssetRated(asset=CAT, stars=2))
        changes = desk.since(cursor)
        assert [change.path for change in changes] == ["p/cat.png", "p/cat.png", "a.png", "a.png"]
        assert {change.now["rating"] for change in changes} == {2}

    def test_a_new_picture_in_an_old_one_s_place(self, desk: Desk) -> None:
        """It has no stars, and who shows those of the old one is told so."""
        desk.happen(SEEN, AssetRated(asset=CAT, stars=4))
        cursor = desk.news.cursor(desk.project)
        desk.happen(AssetSeen(asset=AssetId("dog"), path="p/cat.png", size=9, mtime=2, head="i"))
        (change,) = desk.since(cursor)
        assert (change.path, change.now["rating"]) == ("p/cat.png", 0)

    def test_what_is_no_news_of_the_gallery(self, desk: Desk) -> None:
        """Jobs have a feed of their own. What is said of an unknown file is told all the same."""
        cursor = desk.news.cursor(desk.project)
        desk.happen(FilesFailed(op="o", error="EIO"), AssetRated(asset=AssetId("dog"), stars=1))
        assert told(desk.since(cursor)) == [("asset.rated", None, None)]

    def test_places(self, desk: Desk) -> None:
        """Moved, found again, trashed, restored and deleted."""
        cursor = desk.news.cursor(desk.project)
        trash, op = TrashId("t"), "o"
        desk.happen(SEEN)
        desk.happen(AssetMoved(asset=CAT, source="p/cat.png", path="a.png", op=op))
        desk.happen(AssetRelinked(asset=CAT, source="a.png", path="b.png", size=10, mtime=1,
                                  head="h", reason="fingerprint"))  # fmt: skip
        gone = FileTrashed(trash=trash, path="b.png", name="b.png", asset=CAT, size=10, mtime=1,
                           op=op)  # fmt: skip
        desk.happen(gone)
        desk.happen(FileRestored(trash=trash, path="c.png", asset=CAT, op=op))
        desk.happen(FilePurged(trash=trash, path="c.png", name="c.png", asset=CAT, size=10,
                               head="h", op=op))  # fmt: skip
        assert told(desk.since(cursor))[1:] == [
            ("asset.moved", "p/cat.png", "a.png"),
            ("asset.relinked", "a.png", "b.png"),
            ("file.trashed", "b.png", None),
            ("file.restored", None, "c.png"),
            ("file.purged", "c.png", None),
        ]

    def test_tags_and_views_themselves(self, desk: Desk) -> None:
        """As they are now."""
        cursor = desk.news.cursor(desk.project)
        desk.happen(TagDefined(tag=TagId("hero"), name="Hero", color="#ff0000"))
        (change,) = desk.since(cursor)
        assert change.now == {"tag": "hero", "name": "Hero", "color": "#ff0000"}

    def test_files_that_nobody_spoke_of(self, desk: Desk) -> None:
        """Only the operation tells of them, once it is over; what failed did not happen."""
        steps: tuple[dict[str, Any], ...] = (
            {"from": "x.png", "to": "y.png", "size": 1, "mtime": 1},
            {"from": "bad.png", "to": "z.png", "size": 1, "mtime": 1},
            {"from": "p", "to": "q", "size": 0, "mtime": 0, "role": "folder"},
            {"from": "x.txt", "to": "y.txt", "size": 1, "mtime": 1, "role": "sidecar"},
            {"from": "p/cat.png", "to": "q/cat.png", "size": 1, "mtime": 1, "asset": "cat"},
        )
        cursor = desk.news.cursor(desk.project)
        desk.happen(FilesPlanned(op="o", action="move", steps=steps))
        assert desk.since(cursor) == []
        desk.happen(FilesSettled(op="o", failed=({"step": 1, "error": "ENOENT"},)))
        assert told(desk.since(cursor)) == [
            ("files.settled", "x.png", "y.png"),
            ("files.settled", "p", "q"),
        ]

    def test_an_operation_that_was_planned_before_we_came(self, desk: Desk) -> None:
        """Its end is told all the same."""
        step = {"from": "x.png", "to": "y.png", "size": 1, "mtime": 1}
        desk.project.listeners = []
        desk.happen(FilesPlanned(op="o", action="move", steps=(step,)))
        desk.project.listeners = [desk.news.hear]
        cursor = desk.news.cursor(desk.project)
        desk.happen(FilesSettled(op="o", failed=()))
        assert told(desk.since(cursor)) == [("files.settled", "x.png", "y.png")]


class TestCursor:
    def test_page_by_page(self, desk: Desk) -> None:
        """Each cursor goes on where the page before it ended."""
        cursor = desk.news.cursor(desk.project)
        desk.happen(SEEN)
        for stars in (1, 2, 3, 4):
            desk.happen(AssetRated(asset=CAT, stars=stars))
        heard: list[Change] = []
        while True:
            found = desk.news.since(desk.project, cursor, 2)
            assert found is not None
            cursor, page = found
            heard += page
            if not page:
                break
            assert len(page) <= 2
        assert [change.event for change in heard] == ["asset.seen", *["asset.rated"] * 4]
        assert cursor == desk.news.cursor(desk.project)

    def test_too_old(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        """Only so many are kept; who is behind further must read everything anew."""
        monkeypatch.setattr(news_module, "MAX_KEPT", 2)
        first = desk.news.cursor(desk.project)
        desk.happen(SEEN)
        second = desk.news.cursor(desk.project)
        desk.happen(AssetRated(asset=CAT, stars=1), AssetRated(asset=CAT, stars=2))
        assert desk.news.since(desk.project, first) is None
        assert len(desk.since(second)) == 2

    @pytest.mark.parametrize("cursor", ["", ":", "x", "x:0", "{epoch}:", "{epoch}:-1",
                                        "{epoch}:9", "{epoch}:²", "{epoch}:0:0"])  # fmt: skip
    def test_nonsense(self, desk: Desk, cursor: str) -> None:
        """Is not known."""
        epoch = desk.news.cursor(desk.project).partition(":")[0]
        assert desk.news.since(desk.project, cursor.format(epoch=epoch)) is None

    def test_a_project_opened_anew(self, desk: Desk) -> None:
        """What was read meanwhile was heard by nobody: no old cursor is known."""
        cursor = desk.news.cursor(desk.project)
        with desk.news.feed.watch(lambda _: True) as watcher:
            desk.project = desk.opened()
            desk.news.opened(desk.project)
            assert desk.news.since(desk.project, cursor) is None
            desk.news.opened(desk.project)
            assert watcher._waiting == [News(desk.project.root)], "told once"


class TestFeed:
    async def test_one_piece_of_news_for_many_changes(self, desk: Desk) -> None:
        """So that no transaction is too large for anybody; and none for no change."""
        desk.news.opened(desk.project)
        with desk.news.feed.watch(lambda _: True) as watcher:
            desk.happen(SEEN, *(AssetRated(asset=CAT, stars=n % 5) for n in range(2000)))
            assert await watcher.next() == [News(desk.project.root)]
            desk.happen(FilesPlanned(op="o", action="move", steps=()))
            desk.news.progress(desk.project.root, Progress("reading", 1, 2))
            report = ScanReport(1, 0, 0, 0, False, (), 0.0)
            desk.news.scanned(desk.project.root, report)
            heard = await watcher.next()
        assert [(each.progress, each.report) for each in heard] == [
            (Progress("reading", 1, 2), None),
            (None, report),
        ]
