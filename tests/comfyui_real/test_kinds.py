"""Animations, videos and sounds that real ComfyUI servers make: stored, listed and served."""

from __future__ import annotations

from typing import Any

import pytest

from tests.comfyui_real.service import Service

pytestmark = pytest.mark.comfyui

#: Two colours after each other, as frames.
FRAMES: dict[str, Any] = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 64, "height": 64, "batch_size": 4, "color": 255},
    },
    "2": {
        "class_type": "EmptyImage",
        "inputs": {"width": 64, "height": 64, "batch_size": 4, "color": 16711680},
    },
    "3": {"class_type": "ImageBatch", "inputs": {"image1": ["1", 0], "image2": ["2", 0]}},
}
SOUND: dict[str, Any] = {
    "1": {
        "class_type": "EmptyAudio",
        "inputs": {"duration": 0.5, "sample_rate": 48000, "channels": 2},
    },
}


def saving(graph: dict[str, Any], class_type: str, **inputs: Any) -> dict[str, Any]:
    """A graph with a node that saves."""
    node = {"class_type": class_type, "inputs": {"filename_prefix": "x", **inputs}}
    return {**graph, "9": node}


ANIMATED_WEBP = saving(
    FRAMES,
    "SaveAnimatedWEBP",
    images=["3", 0],
    fps=6.0,
    lossless=True,
    quality=80,
    method="default",
)
ANIMATED_PNG = saving(FRAMES, "SaveAnimatedPNG", images=["3", 0], fps=6.0, compress_level=4)
WEBM = saving(FRAMES, "SaveWEBM", images=["3", 0], codec="vp9", fps=24.0, crf=32.0)
VIDEO = {**FRAMES, "4": {"class_type": "CreateVideo", "inputs": {"images": ["3", 0], "fps": 24.0}}}
MP4 = saving(VIDEO, "SaveVideo", video=["4", 0], format="mp4", codec="h264")
GIF = saving(FRAMES, "TestGif", images=["3", 0])
FLAC = saving(SOUND, "SaveAudio", audio=["1", 0])
MP3 = saving(SOUND, "SaveAudioMP3", audio=["1", 0], quality="128k")
OPUS = saving(SOUND, "SaveAudioOpus", audio=["1", 0], quality="64k")

#: Graph, what ComfyUI calls the output, the stored suffix, the gallery's kind, first bytes.
CASES = {
    "animated webp": (ANIMATED_WEBP, "images", ".webp", "image", b"RIFF"),
    "animated png": (ANIMATED_PNG, "images", ".png", "image", b"\x89PNG"),
    "webm": (WEBM, "images", ".webm", "video", b"\x1a\x45\xdf\xa3"),
    "mp4": (MP4, "images", ".mp4", "video", b"\x00\x00\x00"),
    "gif under gifs": (GIF, "gifs", ".gif", "image", b"GIF8"),
    "flac": (FLAC, "audio", ".flac", "audio", b"fLaC"),
    "mp3": (MP3, "audio", ".mp3", "audio", b"ID3"),
    "opus": (OPUS, "audio", ".opus", "audio", b"OggS"),
}


@pytest.mark.parametrize("case", CASES)
async def test_whatever_is_saved_is_stored_listed_and_served(service: Service, case: str) -> None:
    """The kind is as ComfyUI names it; the gallery goes by the suffix."""
    graph, kind, suffix, media, begin = CASES[case]

    job = await service.succeeds(await service.submit(graph))

    name = f"Eliot_Panel_01_v001{suffix}"
    assert service.files() == [f"Panel_01/{name}"]
    assert [output["kind"] for output in job["outputs"]] == [kind]
    raw = await service.bytes(job["outputs"][0]["url"])
    assert raw.startswith(begin)
    assert raw == (service.project / "Panel_01" / name).read_bytes()
    body = {"projectPath": str(service.project), "folderPath": "Panel_01"}
    listed = (await service.post("/api/gallery/scan-folder", body))["files"]
    assert [(file["name"], file["type"]) for file in listed] == [(name, media)]
    assert (await service.details(f"Panel_01/{name}"))["file"]["lineage"]["node"] == "9"


async def test_several_outputs_of_a_job_are_all_stored(service: Service) -> None:
    """A batch of pictures, a video and a sound of one graph; a preview is none of them."""
    pictures = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}
    sound = {**SOUND["1"], "inputs": {**SOUND["1"]["inputs"], "duration": 0.2}}
    graph = {
        **WEBM,
        "10": pictures,
        "11": sound,
        "12": {"class_type": "SaveAudio", "inputs": {"audio": ["11", 0], "filename_prefix": "y"}},
        "13": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
    }

    job = await service.succeeds(await service.submit(graph))

    assert service.files() == [
        "Panel_01/Eliot_Panel_01_v001.flac",
        "Panel_01/Eliot_Panel_01_v001.png",
        "Panel_01/Eliot_Panel_01_v001.webm",
        "Panel_01/Eliot_Panel_01_v002.png",
        "Panel_01/Eliot_Panel_01_v003.png",
        "Panel_01/Eliot_Panel_01_v004.png",
    ]
    assert sorted(output["rel_path"] for output in job["outputs"]) == service.files()
    assert {output["node"] for output in job["outputs"]} == {"9", "10", "12"}
