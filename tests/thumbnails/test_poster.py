"""Videos: a frame of them with PyAV, an icon without."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image

from orchestrator.gallery.thumbnails import poster
from orchestrator.gallery.thumbnails.making import Maker
from orchestrator.gallery.thumbnails.opening import NoPictureError
from orchestrator.gallery.thumbnails.spec import Spec, Why
from tests.thumbnails.pictures import RED, colour, near, opened, scene, seen

with_av = pytest.mark.skipif(not poster.available(), reason="needs the extra for videos")


def refused(path: Path) -> Why:
    """Why there is no thumbnail of a file."""
    with pytest.raises(NoPictureError) as caught:
        Maker().make(seen(path), Spec(64))
    return caught.value.why


def test_without_pyav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is wrong with the video."""
    monkeypatch.setitem(sys.modules, "av", None)
    (tmp_path / "a.mp4").write_bytes(b"x")
    assert refused(tmp_path / "a.mp4") is Why.VIDEO


def film(path: Path, turned: int = 0) -> Path:
    """Two seconds that begin in black."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=12)
        stream.width, stream.height, stream.pix_fmt = 240, 160, "yuv420p"
        if turned:
            stream.set_display_rotation(turned)
        for number in range(24):
            picture = scene() if number > 1 else Image.new("RGB", (240, 160))
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())
    return path


@with_av
class TestPoster:
    @pytest.mark.parametrize("kind", ["mp4", "mov", "m4v", "mkv", "avi"])
    def test_a_frame_that_is_not_black(self, tmp_path: Path, kind: str) -> None:
        """Of the size asked for."""
        path = film(tmp_path / f"a.{kind}")
        small = opened(Maker().make(seen(path), Spec(96)).data)
        assert small.size == (96, 64)
        assert near(colour(small, 0.2, 0.2), RED)

    def test_it_is_turned_as_the_camera_was(self, tmp_path: Path) -> None:
        """A quarter to the left: what was the top left is the bottom left."""
        path = film(tmp_path / "a.mp4", turned=90)
        small = opened(Maker().make(seen(path), Spec(96)).data)
        assert small.size == (64, 96)
        assert near(colour(small, 0.2, 0.8), RED)

    def test_the_end_is_missing(self, tmp_path: Path) -> None:
        """What plays has a frame."""
        path = film(tmp_path / "a.mkv")
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
        assert Maker().make(seen(path), Spec(64)).whole

    @pytest.mark.parametrize("kind", ["mp4", "avi", "mkv", "webm"])
    @pytest.mark.parametrize("length", [1, 30, 300])
    def test_hardly_a_beginning(self, tmp_path: Path, kind: str, length: int) -> None:
        """Nothing to show."""
        path = film(tmp_path / "a.mp4")
        broken = tmp_path / f"broken.{kind}"
        broken.write_bytes(path.read_bytes()[:length])
        assert refused(broken) is Why.BROKEN

    def test_a_playlist_is_not_followed(self, tmp_path: Path) -> None:
        """It would name any file of this host, or any host."""
        path = film(tmp_path / "a.mp4")
        (tmp_path / "list.mp4").write_text(f"#EXTM3U\n#EXTINF:1,\n{path}\n#EXT-X-ENDLIST\n")
        assert refused(tmp_path / "list.mp4") is Why.BROKEN
