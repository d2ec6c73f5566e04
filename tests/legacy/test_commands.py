"""Importing decides: only what nobody has said anything of is filled."""

from __future__ import annotations

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
from events.imports import FileArrived, FileAwaited, ProjectImported
from events.trash import FileRestored, FileTrashed, TrashId
from events.views import ViewDeleted, ViewSaved
from orchestrator.commands.curation import Sighting
from orchestrator.commands.importing import (
    CloseImport,
    ImportFiles,
    ImportTags,
    ImportTrash,
    ImportView,
    Said,
    WelcomeFile,
    tag_id,
)
from orchestrator.gallery.fingerprint import asset_id
from tests.scenario import Scenario

PATH = "P/cat.png"
SIGHT = Sighting(PATH, 10, 20, "h")
CAT = AssetId(asset_id(PATH, 10, "h"))
SEEN = AssetSeen(asset=CAT, path=PATH, size=10, mtime=20, head="h")
HERO = tag_id("Hero")
SAID = Said(PATH, SIGHT, 4, (HERO,), "hands")
MISSING = Said(PATH, None, 4, (HERO,), "hands")
ALL = [
    AssetRated(asset=CAT, stars=4),
    AssetTagged(asset=CAT, tag=HERO),
    AssetNoted(asset=CAT, note="hands"),
]
AWAITED = FileAwaited(path=PATH, stars=4, tags=(HERO,), note="hands")
DEFINED = TagDefined(tag=HERO, name="Hero", color="#ff0000")


class TestFiles:
    def test_a_file_gets_what_was_said_of_it(self, scenario: Scenario) -> None:
        scenario.when(ImportFiles(said=(SAID,)))
        scenario.then(SEEN, *ALL)

    def test_a_second_time_nothing_is_new(self, scenario: Scenario) -> None:
        scenario.given(SEEN, *ALL)
        scenario.when(ImportFiles(said=(SAID,)))
        scenario.then()

    def test_what_people_said_since_stays(self, scenario: Scenario) -> None:
        """Also that there is to be nothing: no stars, no tag, no note."""
        scenario.given(
            SEEN,
            AssetRated(asset=CAT, stars=0),
            AssetUntagged(asset=CAT, tag=HERO),
            AssetNoted(asset=CAT, note=""),
        )
        scenario.when(ImportFiles(said=(SAID,)))
        scenario.then()

    def test_only_what_is_unsaid_is_filled(self, scenario: Scenario) -> None:
        scenario.given(SEEN, AssetRated(asset=CAT, stars=1))
        scenario.when(ImportFiles(said=(SAID,)))
        scenario.then(*ALL[1:])

    def test_deleted_tags_are_not_put_on(self, scenario: Scenario) -> None:
        scenario.given(DEFINED, TagDeleted(tag=HERO))
        scenario.when(ImportFiles(said=(SAID,)))
        scenario.then(SEEN, ALL[0], ALL[2])

    def test_a_file_that_has_left_keeps_what_was_said_of_it(self, scenario: Scenario) -> None:
        """The store knows only its old path; a new file there does not inherit its stars."""
        moved = AssetMoved(asset=CAT, source=PATH, path="Q/cat.png", op="1")
        scenario.given(SEEN, moved)
        scenario.when(ImportFiles(said=(Said(PATH, Sighting(PATH, 11, 21, "i"), 4, (), ""),)))
        scenario.then(ALL[0])


class TestAwaited:
    def test_what_is_said_of_a_missing_file_is_kept(self, scenario: Scenario) -> None:
        scenario.when(ImportFiles(said=(MISSING,)))
        scenario.then(AWAITED)

    def test_it_is_kept_once(self, scenario: Scenario) -> None:
        scenario.given(AWAITED)
        scenario.when(ImportFiles(said=(MISSING,)))
        scenario.then()

    def test_a_file_that_turned_up_gets_it(self, scenario: Scenario) -> None:
        scenario.given(AWAITED)
        scenario.when(WelcomeFile(path=PATH, sighting=SIGHT))
        scenario.then(SEEN, *ALL, FileArrived(path=PATH, asset=CAT))

    def test_it_may_turn_up_elsewhere(self, scenario: Scenario) -> None:
        there = Sighting("Q/cat.png", 10, 20, "h")
        found = AssetId(asset_id("Q/cat.png", 10, "h"))
        scenario.given(FileAwaited(path=PATH, stars=4, tags=(), note=""))
        scenario.when(WelcomeFile(path=PATH, sighting=there))
        scenario.then(
            AssetSeen(asset=found, path="Q/cat.png", size=10, mtime=20, head="h"),
            AssetRated(asset=found, stars=4),
            FileArrived(path=PATH, asset=found),
        )

    def test_it_arrives_once(self, scenario: Scenario) -> None:
        scenario.given(AWAITED, SEEN, *ALL, FileArrived(path=PATH, asset=CAT))
        scenario.when(WelcomeFile(path=PATH, sighting=SIGHT))
        scenario.then()

    def test_an_import_that_finds_it_closes_it(self, scenario: Scenario) -> None:
        scenario.given(AWAITED)
        scenario.when(ImportFiles(said=(SAID,)))
        scenario.then(SEEN, *ALL, FileArrived(path=PATH, asset=CAT))

    def test_after_it_arrived_an_import_speaks_of_that_file(self, scenario: Scenario) -> None:
        """The store still has the old path; what is new in it is of the asset that arrived."""
        other = AssetId("x" * 32)
        scenario.given(AWAITED, FileArrived(path=PATH, asset=other))
        scenario.when(ImportFiles(said=(Said(PATH, None, 3, (), ""),)))
        scenario.then(AssetRated(asset=other, stars=3))


class TestTags:
    def test_ids_are_the_same_on_every_host(self, scenario: Scenario) -> None:
        """A promise of the log: two hosts that import at once define one tag."""
        assert tag_id("Hero") == tag_id("hERO") == "79c6169a-d099-5d29-9964-8f38a5b9b07e"
        scenario.when(ImportTags(tags=(("Hero", "#ff0000"), ("hero", "#00ff00"))))
        scenario.then(DEFINED)

    def test_one_of_that_name_is_used(self, scenario: Scenario) -> None:
        scenario.given(TagDefined(tag=TagId("mine"), name="HERO", color="#111111"))
        scenario.when(ImportTags(tags=(("Hero", "#ff0000"),)))
        scenario.then()

    def test_what_was_renamed_or_deleted_stays_so(self, scenario: Scenario) -> None:
        todo = tag_id("todo")
        scenario.given(
            DEFINED,
            TagDefined(tag=HERO, name="Lead", color="#111111"),
            TagDefined(tag=todo, name="todo", color="#111111"),
            TagDeleted(tag=todo),
        )
        scenario.when(ImportTags(tags=(("Hero", "#ff0000"), ("todo", "#ff0000"))))
        scenario.then()


class TestViews:
    SAVED = ViewSaved(name="default", settings={"sort_field": "name"})

    def test_it_is_saved(self, scenario: Scenario) -> None:
        scenario.when(ImportView(saved=self.SAVED))
        scenario.then(self.SAVED)

    def test_one_that_was_ever_saved_here_stays(self, scenario: Scenario) -> None:
        """Also one that was deleted since."""
        scenario.given(ViewDeleted(name="default"))
        scenario.when(ImportView(saved=self.SAVED))
        scenario.then()


class TestTrash:
    OLD = FileTrashed(
        trash=TrashId("t1"),
        path=PATH,
        name="cat.png",
        size=1,
        mtime=2,
        op="import",
        place=".trash/P/cat.png",
    )

    def test_it_is_made_known_once(self, scenario: Scenario) -> None:
        scenario.when(ImportTrash(trashed=(self.OLD,)))
        scenario.then(self.OLD)

    def test_what_was_restored_does_not_come_back(self, scenario: Scenario) -> None:
        scenario.given(self.OLD, FileRestored(trash=self.OLD.trash, path=PATH, op="1"))
        scenario.when(ImportTrash(trashed=(self.OLD,)))
        scenario.then()


class TestClose:
    DONE = ProjectImported(source="s", size=1, head="h", counts={"ratings": 1}, left_out=0)

    def test_it_is_remembered_once(self, scenario: Scenario) -> None:
        scenario.given(self.DONE)
        scenario.when(CloseImport(imported=self.DONE))
        scenario.then()

    def test_a_store_that_was_written_to_since_is_another(self, scenario: Scenario) -> None:
        later = ProjectImported(source="s", size=2, head="i", counts={}, left_out=0)
        scenario.given(self.DONE)
        scenario.when(CloseImport(imported=later))
        scenario.then(later)
