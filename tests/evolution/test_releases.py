"""Programs of past releases read what today's program writes, and keep what they do not know."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import orjson
import pytest

from events import codec
from events.log.format_file import NAME
from tests.evolution.freeze import HASHES, RELEASES, contents, freeze, hashes, main
from tests.evolution.reading import reading
from tests.golden.make import HERE, make
from tests.log.builders import Builder, drafts

#: Projections that pack their state otherwise than in a release, each with its reason.
CHANGED: dict[str, dict[str, str]] = {}

FROZEN = sorted(RELEASES.glob("*.zip"))
TIMES = b'"s":%d,"h":"018bcfe56%07x"'
#: Lines that a later program may write, without their numbers, times and hashes.
LATER = (
    b'"t":"asset.dreamt","v":3,"a":"mara","d":{"asset":"%b","of":[1,{"x":null}]}',
    b'"t":"asset.rated","v":99,"a":"mara","d":{"asset":"%b","stars":{"mara":5}}',
    b'"t":"asset.rated","v":1,"a":"mara","d":{"asset":"%b","stars":4,"mood":["x"]}',
    b'"t":"asset.noted","v":1,"a":"jo","z":{"y":1},"d":{"asset":"%b","note":"n"}',
    (
        b'"t":"tx","v":1,"a":"mara","d":{"events":['
        b'{"t":"asset.tagged","v":1,"d":{"asset":"%b","tag":"t"}},'
        b'{"t":"asset.dreamt","v":1,"d":{}}]}'
    ),
    b'"t":"tx","v":2,"a":"mara","d":{"of":"%b"}',
)
#: Which of their events a program of the first release knows.
KNOWN_OF_LATER = [False, False, True, True, True, False, False]
MUST_KNOW = b'"t":"!asset.split","v":1,"a":"mara","d":{"asset":"%b"}'
ASSET = b"f" * 32


def bytes_of(gallery: Path) -> dict[str, bytes]:
    """All files, by path."""
    return {str(path): path.read_bytes() for path in gallery.rglob("*") if path.is_file()}


def today(gallery: Path, only: Collection[str] | None = None) -> dict[str, Any]:
    """What today's program makes of a log, as JSON gives it back."""
    found: dict[str, Any] = orjson.loads(orjson.dumps(reading(gallery, only)))
    return found


def frozen(release: Path, gallery: Path) -> dict[str, Any]:
    """What the program of a release makes of a log; it must not change a byte of it."""
    before = bytes_of(gallery)
    done = subprocess.run(
        # Without the folder where we stand: only the archive has these packages.
        [sys.executable, "-P", release, gallery],
        cwd=gallery,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert bytes_of(gallery) == before
    found: dict[str, Any] = orjson.loads(done.stdout)
    return found


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    """A log as today's program writes it: every type of event, two hosts, several segments."""
    folder = tmp_path / ".gallery"
    make(folder)
    return folder


def add(gallery: Path, *bodies: bytes) -> None:
    """A third host, of a later version, writes these lines."""
    log = Builder(3, "host-c")
    log.add(*drafts(1))
    for number, body in enumerate(bodies, log.head.sequence + 1):
        log.forge(b"{" + TIMES % (number, number) + b"," + body % ASSET)
    for name, data in log.files.items():
        (gallery / "log" / name).write_bytes(data)


def rewrite_format(gallery: Path, **changes: Any) -> None:
    """FORMAT as another version would write it."""
    path = gallery / NAME
    path.write_bytes(orjson.dumps({**orjson.loads(path.read_bytes()), **changes}) + b"\n")


def same_as_today(release: Path, gallery: Path) -> dict[str, Any]:
    """Let a release read, compare all with today's reading, and give the release's."""
    then = frozen(release, gallery)
    now = today(gallery)
    assert then["refused"] is now["refused"] is None
    assert then["findings"] == now["findings"]
    pairs = list(zip(_by_stamp(then), _by_stamp(now), strict=True))
    for old, new in pairs:
        assert _place(old) == _place(new)
        if old["known"] and old["version"] == new["version"]:
            assert {name: new["payload"].get(name) for name in old["payload"]} == old["payload"]
    # Of what the release knows, today's code makes the same state.
    known = {old["stamp"] for old in then["records"] if old["known"]}
    tables = today(gallery, known)["tables"]
    changed = CHANGED.get(release.stem, {})
    common = then["tables"].keys() & tables.keys() - changed.keys() - {"unknown"}
    for name in common:
        assert then["tables"][name] == tables[name], name
    assert len(common) > 15
    counted = [stamp for stamps in then["tables"]["unknown"].values() for stamp in stamps]
    assert sorted(counted) == sorted(r["stamp"] for r in then["records"] if not r["known"])
    return then


def _by_stamp(found: dict[str, Any]) -> list[dict[str, Any]]:
    return sorted(found["records"], key=lambda record: str(record["stamp"]))


def _place(record: dict[str, Any]) -> dict[str, Any]:
    """All of a record but what its event says; a lifted one has another version."""
    return {k: v for k, v in record.items() if k not in ("known", "version", "payload")}


@pytest.mark.parametrize("release", FROZEN, ids=lambda path: path.stem)
class TestRelease:
    def test_it_reads_what_is_written_today(self, release: Path, gallery: Path) -> None:
        """Records and state are the same, and it may still write (FORMAT.md C1, R5)."""
        found = same_as_today(release, gallery)

        assert found["findings"] == []
        assert len(found["records"]) > 150
        assert found["read_only"] is None

    def test_what_it_does_not_know_is_kept_and_counted(self, release: Path, gallery: Path) -> None:
        """And nothing else of the log suffers (FORMAT.md R5)."""
        add(gallery, *LATER)

        found = same_as_today(release, gallery)

        assert found["findings"] == []
        assert found["read_only"] is None
        mine = [record for record in found["records"] if record["host"] == "host-c"][1:]
        assert [record["known"] for record in mine] == KNOWN_OF_LATER
        assert mine[0]["payload"] == {"asset": ASSET.decode(), "of": [1, {"x": None}]}
        assert found["tables"]["ratings"][ASSET.decode()]
        assert {name: len(stamps) for name, stamps in found["tables"]["unknown"].items()} == {
            "asset.dreamt": 2,
            "asset.rated": 1,
            "tx": 1,
        }

    def test_a_type_that_must_be_known(self, release: Path, gallery: Path) -> None:
        """It reads on, and must not write any more (FORMAT.md C3)."""
        add(gallery, MUST_KNOW, LATER[2])

        found = same_as_today(release, gallery)

        assert "!asset.split" in found["read_only"]
        assert found["tables"]["ratings"][ASSET.decode()]

    def test_a_feature_to_read(self, release: Path, gallery: Path) -> None:
        """It is refused by its name (FORMAT.md F2)."""
        rewrite_format(gallery, read=["later-reading"])

        assert "later-reading" in frozen(release, gallery)["refused"]

    def test_a_feature_to_write(self, release: Path, gallery: Path) -> None:
        """All is read, nothing must be written (FORMAT.md F3)."""
        rewrite_format(gallery, write=["later-writing"])

        found = same_as_today(release, gallery)

        assert "later-writing" in found["read_only"]

    def test_a_later_format(self, release: Path, gallery: Path) -> None:
        """It is refused by its number (FORMAT.md F2)."""
        rewrite_format(gallery, fmt=99)

        assert "format 99" in frozen(release, gallery)["refused"]

    def test_a_later_header_says_more(self, release: Path, gallery: Path) -> None:
        """Fields that are not known are ignored there, too (FORMAT.md R5, L5)."""
        log = Builder(3, "host-c")
        header = log.files[log.name()][:-41].replace(b'{"seg":1,', b'{"seg":1,"tz":"UTC",')
        log.files[log.name()] = codec.close(header)
        log.add(*drafts(2))
        (gallery / "log" / log.name()).write_bytes(log.files[log.name()])

        found = same_as_today(release, gallery)

        assert found["findings"] == []
        assert len([r for r in found["records"] if r["host"] == "host-c"]) == 2

    def test_other_files_and_folders_are_passed_by(self, release: Path, gallery: Path) -> None:
        """Whatever a later program keeps beside the log (FORMAT.md L1)."""
        for path in ("later/x.json", "log/.marks", "log/x.idx"):
            (gallery / path).parent.mkdir(exist_ok=True)
            (gallery / path).write_bytes(b"later")

        found = frozen(release, gallery)

        assert all(kind == "foreign" for kind, _ in found["findings"])
        assert found["records"] == today(gallery)["records"]

    def test_golden_logs_are_as_they_were_when_it_was_cut(self, release: Path) -> None:
        """They stand on people's shares and are never edited (FORMAT.md C2).

        Before the release is out: `python -m tests.evolution.freeze 1.0 --replace`.
        """
        with zipfile.ZipFile(release) as archive:
            then = orjson.loads(archive.read(HASHES))

        assert then
        assert hashes(HERE).items() >= then.items()


class TestFreeze:
    def test_there_is_a_release(self) -> None:
        """Else nothing above is tested."""
        assert FROZEN

    def test_the_same_files_give_the_same_bytes(self, tmp_path: Path) -> None:
        """Whoever freezes a release, and whenever."""
        for name in ("one.zip", "two.zip"):
            freeze(tmp_path / name, HERE)

        assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()

    def test_todays_reader_frozen_reads_as_today(self, tmp_path: Path, gallery: Path) -> None:
        """It needs nothing of the service, nor anything beside the archive."""
        freeze(tmp_path / "today.zip", HERE)

        then = frozen(tmp_path / "today.zip", gallery)

        assert then == today(gallery)
        assert all(record["known"] for record in then["records"])

    def test_it_is_the_two_pure_packages(self) -> None:
        """And a main program, and the hashes of the golden logs."""
        names = contents(HERE)

        assert {name.partition("/")[0] for name in names} == {
            *("events", "projections", "__main__.py", HASHES)
        }
        assert "v1/FORMAT" in orjson.loads(names[HASHES])

    def test_a_release_is_not_frozen_twice(self, capsys: pytest.CaptureFixture[str]) -> None:
        """What is out is out."""
        before = {path: path.read_bytes() for path in FROZEN}

        assert main([FROZEN[0].stem]) == 1
        assert "never frozen anew" in capsys.readouterr().out
        assert {path: path.read_bytes() for path in RELEASES.glob("*")} == before

    @pytest.mark.parametrize("arguments", [[], ["--replace"], ["../x"], ["1.0", "1.1"]])
    def test_a_name_is_needed(
        self, arguments: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        """One, of letters, digits and dots."""
        assert main(arguments) == 2
        assert "which release" in capsys.readouterr().out
