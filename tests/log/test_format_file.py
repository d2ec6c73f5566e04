"""FORMAT: made once by whoever is first, whole or not at all; it can forbid reading and writing."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import orjson
import pytest

from events.ids import ULID_LENGTH, is_id
from events.log import format_file
from events.log.disk_io import DiskIO
from events.log.format_file import NAME, Format, FormatError, create, load, refuse_orphans
from tests.log.builders import PROJECT, writer_name
from tests.log.disks import ERRNOS, FAILURES, FaultyDisk, RecordingDisk


class NoLinks(RecordingDisk):
    """A share without hard links, as some SMB servers are."""

    def link(self, existing: Path, path: Path) -> None:
        self._note("link", path.name)
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")


class NoLinksAndFaults(FaultyDisk):
    """The same, and calls fail."""

    def link(self, existing: Path, path: Path) -> None:
        NoLinks.link(self, existing, path)  # type: ignore[arg-type]  # it needs `_note` only


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    """Where the folder `.gallery` will be."""
    return tmp_path / "project" / ".gallery"


@pytest.fixture(autouse=True)
def _project(gallery: Path) -> None:
    gallery.parent.mkdir()


def put(gallery: Path, content: bytes) -> None:
    """Write a FORMAT of any content."""
    gallery.mkdir(exist_ok=True)
    (gallery / NAME).write_bytes(content)


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def content(**changes: object) -> bytes:
    """A FORMAT with changes; None takes a field away."""
    usual = {"format": "gallery-log", "fmt": 1, "project": PROJECT, "created": "2024"}
    changed = {**usual, **changes}
    return orjson.dumps({k: v for k, v in changed.items() if v is not None}) + b"\n"


def _whole_meanwhile(load: Callable[[Path], Format | None]) -> Callable[[Path], Format | None]:
    """Reading it, where the other host is done just after the first look."""

    def look(gallery: Path) -> Format | None:
        try:
            return load(gallery)
        finally:
            put(gallery, content())

    return look


class TestCreate:
    @pytest.mark.parametrize("disk", [RecordingDisk, NoLinks])
    def test_it_is_made_once(self, gallery: Path, disk: Callable[[], RecordingDisk]) -> None:
        """The first makes it, the second takes it as it is (FORMAT.md F1)."""
        made = create(gallery, disk())
        data = (gallery / NAME).read_bytes()

        assert is_id(made.project, ULID_LENGTH)
        assert create(gallery, disk()) == made
        assert (gallery / NAME).read_bytes() == data
        assert names(gallery) == [NAME, "log"]

    def test_it_becomes_whole_while_somebody_looks(
        self, gallery: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Half of it was read, and all of it is there a moment later: no damage (FORMAT.md F1)."""
        put(gallery, b"")
        monkeypatch.setattr(format_file, "load", _whole_meanwhile(format_file.load))

        assert create(gallery, NoLinks()).project == PROJECT

    def test_it_is_plain_json(self, gallery: Path) -> None:
        """Anybody can see what the folder is (FORMAT.md F1)."""
        made = create(gallery, RecordingDisk())

        assert orjson.loads((gallery / NAME).read_bytes()) == {
            "format": "gallery-log",
            "fmt": 1,
            "project": made.project,
            "created": made.created,
            "read": [],
            "write": [],
        }

    def test_it_is_durable_under_its_name(self, gallery: Path) -> None:
        """Content first, then the name, then the folders (FORMAT.md F1)."""
        disk = RecordingDisk()
        create(gallery, disk)

        assert [call for call, _ in disk.calls] == [
            *("create", "write", "sync", "close", "link", "sync_folder", "sync_folder")
        ]

    def test_a_project_folder_that_is_not_there_is_not_made(self, tmp_path: Path) -> None:
        """The share is not mounted, or the project is gone: nothing is made (FORMAT.md F1)."""
        with pytest.raises(FileNotFoundError):
            create(tmp_path / "gone" / ".gallery", RecordingDisk())
        assert not (tmp_path / "gone").exists()

    @pytest.mark.parametrize("disk", [RecordingDisk, NoLinks])
    def test_many_hosts_at_once_agree(
        self, gallery: Path, disk: Callable[[], RecordingDisk]
    ) -> None:
        """Whoever is first wins, all take that one (FORMAT.md F1)."""
        barrier = threading.Barrier(8)
        found: list[Format] = []

        class Together(DiskIO):
            """All have seen that there is none before one makes it."""

            def create(self, path: Path) -> int:
                if path.name.startswith("."):
                    barrier.wait(timeout=10)
                return super().create(path)

            def link(self, existing: Path, path: Path) -> None:
                disk().link(existing, path)

        def work() -> None:
            found.append(create(gallery, Together()))

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)

        assert len(found) == 8
        assert len(set(found)) == 1
        assert names(gallery) == [NAME, "log"]

    def test_a_half_written_one_of_another_host_is_waited_for(self, gallery: Path) -> None:
        """Without hard links the winner's file is seen before it is whole (FORMAT.md F1)."""
        whole = content()
        put(gallery, whole[:20])
        finishing = threading.Timer(0.3, lambda: put(gallery, whole))
        finishing.start()

        made = create(gallery, NoLinks())

        finishing.join()
        assert made.project == PROJECT

    def test_one_that_stays_half_written_is_told(self, gallery: Path) -> None:
        """A power cut left it so; nobody overwrites it (FORMAT.md F1, F2)."""
        put(gallery, b"")

        with pytest.raises(FormatError, match="damaged"):
            create(gallery, RecordingDisk(), patience=0.2)
        assert (gallery / NAME).read_bytes() == b""

    def test_a_newer_one_is_not_waited_for(self, gallery: Path) -> None:
        """What forbids us to write forbids it at once (FORMAT.md F2)."""
        put(gallery, content(fmt=2))

        with pytest.raises(FormatError, match="format 2"):
            create(gallery, RecordingDisk(), patience=1_000)

    @pytest.mark.parametrize("links", [True, False])
    @pytest.mark.parametrize("failure", FAILURES)
    def test_any_call_fails(self, tmp_path: Path, failure: str, links: bool) -> None:
        """It is refused, and the next try finds a good FORMAT or makes one (FORMAT.md F1)."""
        for place in range(10):
            for number in ERRNOS[:2]:
                gallery = tmp_path / f"{place}-{number}" / ".gallery"
                gallery.parent.mkdir()
                kind = FaultyDisk if links else NoLinksAndFaults
                with suppress(OSError):
                    create(gallery, kind(place.__eq__, number, failure))

                before = load(gallery)
                after = create(gallery, RecordingDisk(), patience=0)
                assert before in (None, after)

    def test_a_name_that_cannot_be_seen_is_told(
        self, gallery: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Better no log than one of which nobody knows the project (FORMAT.md F1)."""
        monkeypatch.setattr(format_file, "load", lambda _: None)

        with pytest.raises(FormatError, match="cannot be seen"):
            create(gallery, RecordingDisk(), patience=0.0)


class TestLoad:
    def test_none_is_none(self, gallery: Path, tmp_path: Path) -> None:
        """No folder, an empty folder, a file in its place: there is no log, none is made."""
        assert load(gallery) is None
        gallery.mkdir()
        assert load(gallery) is None
        assert load(gallery / "x") is None
        (tmp_path / "file").write_bytes(b"")
        assert load(tmp_path / "file") is None
        assert names(gallery) == []

    def test_unknown_fields_are_ignored(self, gallery: Path) -> None:
        """Later programs may say more (FORMAT.md R5)."""
        put(gallery, content(more={"x": 1}))

        assert load(gallery) == Format(PROJECT, "2024")

    def test_a_later_format_is_refused_by_its_number(self, gallery: Path) -> None:
        """Whatever else it says (FORMAT.md F2)."""
        put(gallery, content(fmt=7, project=None, created=None, read=5))

        with pytest.raises(FormatError, match="has format 7; this program reads 1"):
            load(gallery)

    def test_unknown_features_for_reading_forbid_reading(self, gallery: Path) -> None:
        """And the message names them (FORMAT.md F2)."""
        put(gallery, content(read=["zstd", "folders"]))

        with pytest.raises(FormatError, match="zstd, folders"):
            load(gallery)

    def test_unknown_features_for_writing_forbid_writing(self, gallery: Path) -> None:
        """Reading is allowed then (FORMAT.md F3)."""
        put(gallery, content(write=["marks"]))
        found = load(gallery)

        assert found is not None
        assert found.unknown_to_write == ("marks",)

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\0" * 100,
            b"{",
            b"[]",
            b"null",
            b'"gallery-log"',
            content(format="other"),
            content(format=None),
            content(fmt="1"),
            content(fmt=True),
            content(fmt=1.0),
            content(project=None),
            content(project=5),
            content(project="short"),
            content(project="U" * 26),
            content(project="../../../../../../../etc/pw"),
            content(created=None),
            content(created=5),
            content(read="zstd"),
            content(read=[5]),
            content(write={"a": 1}),
        ],
    )
    def test_damage_is_told_never_guessed_at(self, gallery: Path, data: bytes) -> None:
        """The message says which file it is (FORMAT.md F2)."""
        put(gallery, data)

        with pytest.raises(FormatError, match="FORMAT"):
            load(gallery)

    def test_one_that_cannot_be_read_is_no_missing_one(self, gallery: Path) -> None:
        """An error of the share rises: nobody may think that the project is new (FORMAT.md F2)."""
        gallery.mkdir()
        (gallery / NAME).mkdir()

        with pytest.raises(IsADirectoryError):
            load(gallery)


class TestOrphans:
    """FORMAT is gone, the log is not: nobody may begin another project over it."""

    @staticmethod
    def leave_only(gallery: Path, name: str) -> None:
        """A folder as it is after FORMAT was deleted."""
        (gallery / name).parent.mkdir(parents=True)
        (gallery / name).write_bytes(b"lines")

    @pytest.mark.parametrize(
        "name",
        [
            f"log/{writer_name(1)}.host-a.000001.jsonl",
            f"cold/host-a.{writer_name(1)}-{writer_name(2)}.000001.jsonl",
        ],
    )
    def test_no_other_format_is_made(self, gallery: Path, name: str) -> None:
        """It would have another id, and the log would be nobody's (FORMAT.md F1)."""
        self.leave_only(gallery, name)

        with pytest.raises(FormatError, match=r"FORMAT is missing.*Restore it from a backup"):
            create(gallery, RecordingDisk(), patience=0.0)
        assert NAME not in names(gallery)

    def test_foreign_files_are_no_log(self, gallery: Path) -> None:
        """What a desktop or a sync tool left there is no reason to refuse."""
        self.leave_only(gallery, "log/.DS_Store")

        assert is_id(create(gallery, RecordingDisk()).project, ULID_LENGTH)

    def test_a_listing_that_is_old_is_not_believed(self, gallery: Path) -> None:
        """Another host made FORMAT and log just now; the share shows only the log yet."""
        made = create(gallery, RecordingDisk())
        (gallery / "log" / f"{writer_name(1)}.host-a.000001.jsonl").write_bytes(b"lines")

        class Late(RecordingDisk):
            def names(self, folder: Path) -> list[str]:
                return [name for name in super().names(folder) if name != NAME]

        assert create(gallery, Late()) == made

    def test_a_folder_with_a_log_is_no_new_project(self, gallery: Path) -> None:
        """Who only reads is told as well (FORMAT.md F2)."""
        self.leave_only(gallery, f"log/{writer_name(1)}.host-a.000001.jsonl")

        with pytest.raises(FormatError, match="FORMAT is missing"):
            refuse_orphans(gallery, RecordingDisk())

    def test_no_folder_and_no_log_are_well(self, gallery: Path) -> None:
        """A project that nobody has edited; and what is called `.gallery` but is a file."""
        refuse_orphans(gallery, RecordingDisk())
        gallery.write_bytes(b"x")
        refuse_orphans(gallery, RecordingDisk())


class TestOddFiles:
    def test_a_huge_one_is_not_read(self, gallery: Path) -> None:
        """Who fills FORMAT fills no memory (FORMAT.md F2)."""
        gallery.mkdir()
        with (gallery / NAME).open("wb") as file:
            file.truncate(1 << 40)

        with pytest.raises(FormatError, match="damaged"):
            load(gallery)

    def test_a_pipe_does_not_hang_who_reads_it(self, gallery: Path) -> None:
        """It cannot be read, and that is told (FORMAT.md F2)."""
        gallery.mkdir()
        os.mkfifo(gallery / NAME)

        with pytest.raises(OSError, match="Illegal seek"):
            load(gallery)

    @pytest.mark.parametrize(
        ("fields", "remedy"),
        [
            ({"fmt": 2}, "Upgrade this program"),
            ({"fmt": 0}, "Restore it from a backup"),
            ({"read": ["zstd"]}, "Upgrade this program"),
            ({"project": "x"}, "Restore it from a backup"),
            ({"format": "x"}, "Restore it from a backup"),
        ],
    )
    def test_the_message_says_what_to_do(
        self, gallery: Path, fields: dict[str, object], remedy: str
    ) -> None:
        """For each reason another thing (FORMAT.md F2)."""
        put(gallery, content(**fields))

        with pytest.raises(FormatError, match=remedy):
            load(gallery)
