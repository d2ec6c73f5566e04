"""The poster frame of a video, by PyAV where it is installed. Functions block."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import islice
from typing import IO, TYPE_CHECKING, Final, NoReturn

from PIL import Image

from orchestrator.gallery.film_source import FilmSource
from orchestrator.gallery.thumbnails.opening import (
    MAX_PIXELS,
    NoPictureError,
    check_size,
    mistrusting,
)
from orchestrator.gallery.thumbnails.spec import Why

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame

#: Where the frame is taken: a tenth into the video, since many begin in black, but not later than
#: so many seconds, since finding it reads.
_PART, _LATEST = 0.1, 3.0
#: A video that shows nothing in so many packets is broken.
_MAX_PACKETS: Final = 500


def available() -> bool:
    """Whether PyAV is installed. It is not loaded for this."""
    return find_spec("av") is not None


def poster(file: IO[bytes], pixels: int) -> Image.Image:
    """An RGB frame of a video, upright, its longer side at most `pixels`.

    Raises:
        NoPictureError: there is none, or nothing here decodes videos.
        OSError: the share's word.
    """
    try:
        import av
    except ImportError as exc:
        raise NoPictureError(Why.VIDEO, "PyAV is not installed") from exc
    try:
        with (
            mistrusting(),
            # The container is told: guessing knows playlists, which name other files and hosts.
            av.open(
                FilmSource(file),
                "r",
                format=_container(file),
                io_open=_refuse,
                options={"max_pixels": str(MAX_PIXELS)},
                metadata_errors="replace",
            ) as container,
        ):
            return _upright(_frame(container), pixels)
    except av.FFmpegError as exc:  # some are OSErrors, but none comes from the share
        raise NoPictureError(Why.BROKEN, str(exc)) from exc


def _container(file: IO[bytes]) -> str:
    """FFmpeg's name of what the file is by its first bytes; MP4 and MOV begin in many ways."""
    start = file.read(12)
    file.seek(0)
    if start.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"
    return "avi" if start.startswith(b"RIFF") and start.endswith(b"AVI ") else "mov"


def _refuse(url: str, flags: int, options: dict[str, str]) -> NoReturn:
    """A video that refers to another file gets nothing of it."""
    raise NoPictureError(Why.BROKEN, "it refers to other files")


def _frame(container: InputContainer) -> VideoFrame:
    if not container.streams.video:
        raise NoPictureError(Why.BROKEN, "it has no video stream")
    stream = container.streams.video[0]
    check_size(stream.width, stream.height)
    stream.codec_context.thread_count = 1  # other threads make other thumbnails
    # In microseconds, AV_TIME_BASE.
    later = int(min((container.duration or 0) * _PART, _LATEST * 1_000_000))
    for start in (later, 0) if later else (0,):
        if start or later:
            container.seek(start)
        for packet in islice(container.demux(stream), _MAX_PACKETS):
            for frame in packet.decode():
                check_size(frame.width, frame.height)
                return frame
    raise NoPictureError(Why.BROKEN, "it shows nothing")


def _upright(frame: VideoFrame, pixels: int) -> Image.Image:
    """The frame, made smaller while its colours are converted, and turned as the camera was."""
    scale = min(1.0, pixels / max(frame.width, frame.height))
    image: Image.Image = frame.to_image(
        width=max(round(frame.width * scale), 1),
        height=max(round(frame.height * scale), 1),
        interpolation="AREA",
    )
    return image.rotate(frame.rotation, expand=True) if frame.rotation else image
