"""The parts of saving that need no service: kinds, names, places."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from events.log.disk_io import DiskIO
from orchestrator.errors import ImageTooLarge
from orchestrator.gallery.media import MEDIA
from orchestrator.gallery.place import put_in_place
from orchestrator.saving import kinds, place
from orchestrator.saving.data_url import decoded
from orchestrator.saving.drafts import write_draft
from tests.states.office import names

#: The beginning of a file of each kind that Pillow does not read.
HEADS = {
    ".jxl": b"\xff\x0a",
    ".exr": b"\x76\x2f\x31\x01",
    ".hdr": b"#?RADIANCE\n",
    ".dpx": b"SDPX",
    ".mp4": b"\0\0\0\x20ftypisom",
    ".m4v": b"\0\0\0\x20ftypM4V ",
    ".mov": b"\0\0\0\x14ftypqt  ",
    ".avi": b"RIFF\0\0\0\0AVI LIST",
    ".webm": b"\x1a\x45\xdf\xa3",
    ".mkv": b"\x1a\x45\xdf\xa3",
    ".wav": b"RIFF\0\0\0\0WAVEfmt ",
    ".flac": b"fLaC",
    ".mp3": b"\xff\xfb\x90",
    ".ogg": b"OggS",
    ".opus": b"OggS",
    ".m4a": b"\0\0\0\x20ftypM4A ",
}
PICTURES = sorted(set(MEDIA) - set(HEADS))


def sample(ending: str) -> bytes:
    """A file of a kind."""
    if ending in HEADS:
        return HEADS[ending]
    out = io.BytesIO()
    Image.new("RGB", (8, 6), "teal").save(out, Image.registered_extensions()[ending])
    return out.getvalue()


class TestKinds:
    @pytest.mark.parametrize("ending", MEDIA)
    def test_each_kind_and_no_other(self, tmp_path: Path, ending: str) -> None:
        """Every suffix of media is known; what looks otherwise is refused."""
        path = tmp_path / "draft"
        path.write_bytes(sample(ending))
        assert kinds.fault(path, f"a{ending.upper()}") is None
        for other in (b"", b"<!DOCTYPE html>", b"\0" * 64, b"MZ\x90\0", b"%PDF-1.7"):
            path.write_bytes(other)
            assert kinds.fault(path, f"a{ending}") is not None

    @pytest.mark.parametrize("ending", PICTURES)
    def test_another_picture(self, tmp_path: Path, ending: str) -> None:
        """A picture of one kind is none of another, though a viewer would show it."""
        path = tmp_path / "draft"
        twins = [{".jpg", ".jpeg"}, {".tif", ".tiff"}]
        same = next((twin for twin in twins if ending in twin), {ending})
        path.write_bytes(sample(ending))
        for other in set(MEDIA) - same - {".mp4", ".m4v", ".m4a", ".mov"}:
            assert kinds.fault(path, f"a{other}") is not None, other

    def test_a_bomb(self, tmp_path: Path) -> None:
        """A picture of 60,000 by 60,000 is refused before anybody decodes it."""
        path = tmp_path / "draft"
        data = bytearray(sample(".bmp"))
        data[18:26] = (60_000).to_bytes(4, "little") * 2
        path.write_bytes(data)
        assert "no BMP" in (kinds.fault(path, "a.bmp") or "")


class TestNames:
    def test_the_first_that_is_free(self) -> None:
        """The wish itself, then with a number; case is not told."""
        assert place.free("a.png", set(), sidecar=False) == "a.png"
        assert place.free("A.png", {"a.png", "a_1.png"}, sidecar=False) == "A_2.png"

    def test_with_a_sidecar(self) -> None:
        """Both names must be free."""
        taken = {"project.json", "project_1.png"}
        assert place.free("project.png", taken, sidecar=True) == "project_2.png"
        assert place.free("project.png", taken, sidecar=False) == "project.png"


class TestPlaces:
    def test_somebody_is_faster(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The name is taken between looking and placing: the next one, and no sidecar is left."""
        disk = DiskIO()
        staged = write_draft(tmp_path, b"ours", disk)
        left = [1]

        def late(source: Path, target: Path, disk: DiskIO) -> None:
            if target.suffix == ".png" and left:
                left.pop()
                target.write_bytes(b"theirs")
            put_in_place(source, target, disk)

        monkeypatch.setattr(place, "put_in_place", late)
        placed = place.settle(staged, tmp_path, "a.png", b"{}", disk)
        assert (placed.path.name, placed.sidecar) == ("a_1.png", tmp_path / "a_1.json")
        assert names(tmp_path) == ["a.png", "a_1.json", "a_1.png"]
        assert (tmp_path / "a.png").read_bytes() == b"theirs"

    def test_a_share_that_refuses(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Neither the file nor its sidecar is there under its name."""
        disk = DiskIO()
        staged = write_draft(tmp_path, b"ours", disk)

        def refuse(source: Path, target: Path, disk: DiskIO) -> None:
            if target.suffix == ".png":
                raise OSError(5, "Input/output error")
            put_in_place(source, target, disk)

        monkeypatch.setattr(place, "put_in_place", refuse)
        with pytest.raises(OSError, match="Input/output"):
            place.settle(staged, tmp_path, "a.png", b"{}", disk)
        assert names(tmp_path) == [staged.name]


class TestDataUrl:
    def test_the_limit(self) -> None:
        """Told before anything is decoded, and to the byte."""
        url = "data:image/png;base64,QUJDRA=="
        assert decoded("a.png", url, 4) == b"ABCD"
        for limit in (3, 1):
            with pytest.raises(ImageTooLarge):
                decoded("a.png", url, limit)
