"""What the simulator paints and writes: pictures with the graph inside, films, sound."""

from __future__ import annotations

import json
import wave
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image, ImageChops

from tools.simulator import Behaviour, Simulator, media, pictures

from .graphs import Graph, finish, node, text_to_image
from .replay import Client


@pytest.fixture
async def sim(tmp_path: Path) -> Any:
    """A simulator with pretended models."""
    async with Simulator(Behaviour(), folder=tmp_path) as sim:
        yield sim


def _file(sim: Simulator, image: dict[str, str]) -> Path:
    return sim.store.root / image["type"] / image["subfolder"] / image["filename"]


async def _picture(session: aiohttp.ClientSession, sim: Simulator, graph: Graph) -> Image.Image:
    entry = await finish(session, sim, graph, client_id="a")
    ((_, shown),) = entry["outputs"].items()
    with Image.open(_file(sim, shown["images"][0])) as picture:
        picture.load()
        return picture.copy()


def _differ(one: Image.Image, other: Image.Image) -> bool:
    return ImageChops.difference(one, other).getbbox() is not None


class TestPng:
    """SaveImage as ComfyUI does it."""

    async def test_png_holds_the_graph_and_the_workflow(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """Text chunks `prompt` and `workflow`, JSON with ASCII escapes."""
        workflow = {"nodes": [{"id": 1, "title": "Überschrift 映画"}]}
        graph = text_to_image("ein Schloß 映画")
        extra = {"extra_pnginfo": {"workflow": workflow}}
        entry = await finish(session, sim, graph, client_id="a", extra_data=extra)
        path = _file(sim, entry["outputs"]["9"]["images"][0])
        with Image.open(path) as picture:
            texts = {key: str(text) for key, text in picture.info.items()}
        assert json.loads(texts["workflow"]) == workflow
        assert json.loads(texts["prompt"])["6"]["inputs"]["text"] == "ein Schloß 映画"
        assert texts["prompt"].isascii()
        assert b"tEXtprompt\0{" in path.read_bytes()
        assert b"\\u6620\\u753b" in path.read_bytes()

    async def test_same_prompt_and_seed_give_the_same_picture(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """Another seed, or other words, give another picture."""
        first = await _picture(session, sim, text_to_image(seed=1))
        other_seed = await _picture(session, sim, text_to_image(seed=2))
        other_words = await _picture(session, sim, text_to_image("a forest", seed=1))
        again = await _picture(session, sim, text_to_image(seed=1))
        assert not _differ(first, again)
        assert _differ(first, other_seed)
        assert _differ(first, other_words)

    async def test_picture_has_the_size_of_the_latent(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """Each picture of a batch is another one, in its own file."""
        graph = text_to_image()
        graph["5"]["inputs"] |= {"width": 96, "height": 48, "batch_size": 2}
        entry = await finish(session, sim, graph, client_id="a")
        images = entry["outputs"]["9"]["images"]
        one, other = (Image.open(_file(sim, image)) for image in images)
        with one, other:
            assert one.size == other.size == (96, 48)
            assert _differ(one, other)

    @pytest.mark.parametrize("size", [(1, 1), (7, 300), (512, 512)])
    def test_any_size_can_be_painted(self, size: tuple[int, int]) -> None:
        """Words of any kind will do, even broken surrogates."""
        assert pictures.landscape("\ud800 night", 2**64 - 1, size).size == size


async def _frames(session: aiohttp.ClientSession, sim: Simulator, graph: Graph) -> Client:
    client = await Client.join(session, f"{sim.url}/ws?clientId=a")
    await client.socket.send_json(
        {"type": "feature_flags", "data": {"supports_preview_metadata": True}}
    )
    await client.until(lambda frames: len(frames) == 2)
    await finish(session, sim, graph, client_id="a")
    await client.until(lambda frames: frames[-1]["data"].get("node", "") is None)
    await client.close()
    return client


class TestSampling:
    """Graphs of text to picture."""

    async def test_sampler_sends_a_step_and_a_preview_at_a_time(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """Previews are JPEG pictures of the node that samples."""
        client = await _frames(session, sim, text_to_image(steps=3))
        assert [(p["node"], p["value"], p["max"]) for p in client.of("progress")] == [
            ("3", 1, 3),
            ("3", 2, 3),
            ("3", 3, 3),
        ]
        previews = [frame for frame in client.frames if isinstance(frame, bytes)]
        assert len(previews) == 3
        for frame in previews:
            length = int.from_bytes(frame[4:8], "big")
            assert json.loads(frame[8 : 8 + length])["node_id"] == "3"
            with Image.open(BytesIO(frame[8 + length :])) as picture:
                assert picture.format == "JPEG"

    async def test_without_previews_only_steps_are_sent(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """`previews=False` is a server started without a preview method."""
        sim.behaviour.previews = False
        client = await _frames(session, sim, text_to_image(steps=2))
        assert len(client.of("progress")) == 2
        assert not any(isinstance(frame, bytes) for frame in client.frames)

    async def test_flux_graph_runs(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        """Separate loaders, noise, scheduler and guider around SamplerCustomAdvanced."""
        clips = {"clip_name1": "clip_l.safetensors", "clip_name2": "t5xxl_fp16.safetensors"}
        graph = {
            "1": node("UNETLoader", unet_name="flux1-dev.safetensors", weight_dtype="default"),
            "2": node("DualCLIPLoader", type="flux", **clips),
            "3": node("VAELoader", vae_name="ae.safetensors"),
            "4": node("CLIPTextEncode", clip=["2", 0], text="a lighthouse by the sea"),
            "5": node("FluxGuidance", conditioning=["4", 0], guidance=3.5),
            "6": node("BasicGuider", model=["1", 0], conditioning=["5", 0]),
            "7": node("RandomNoise", noise_seed=2**64 - 1),
            "8": node("KSamplerSelect", sampler_name="euler"),
            "9": node("BasicScheduler", model=["1", 0], scheduler="simple", steps=2, denoise=1.0),
            "10": node("EmptySD3LatentImage", width=64, height=64, batch_size=1),
            "11": node(
                "SamplerCustomAdvanced",
                noise=["7", 0],
                guider=["6", 0],
                sampler=["8", 0],
                sigmas=["9", 0],
                latent_image=["10", 0],
            ),
            "12": node("VAEDecode", samples=["11", 0], vae=["3", 0]),
            "13": node("SaveImage", images=["12", 0], filename_prefix="flux"),
        }
        assert (await _picture(session, sim, graph)).size == (64, 64)

    async def test_lora_and_two_samplers_run_in_turn(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """KSamplerAdvanced hands what noise is left to the next one."""
        graph = text_to_image()
        graph["2"] = node(
            "LoraLoader",
            model=["4", 0],
            clip=["4", 1],
            lora_name="film-grain.safetensors",
            strength_model=0.8,
            strength_clip=1,
        )
        shared = graph["3"]["inputs"] | {"model": ["2", 0]}
        for name in ("seed", "denoise"):
            del shared[name]
        half = {**shared, "noise_seed": 5, "steps": 4}
        graph["3"] = node(
            "KSamplerAdvanced",
            **half,
            add_noise="enable",
            start_at_step=0,
            end_at_step=2,
            return_with_leftover_noise="enable",
        )
        rest = {**half, "latent_image": ["3", 0]}
        graph["10"] = node(
            "KSamplerAdvanced",
            **rest,
            add_noise="disable",
            start_at_step=2,
            end_at_step=10000,
            return_with_leftover_noise="disable",
        )
        early = await _picture(session, sim, graph)
        graph["8"]["inputs"]["samples"] = ["10", 0]
        client = await _frames(session, sim, graph)
        assert [p["max"] for p in client.of("progress")] == [2, 2]
        assert _differ(early, await _picture(session, sim, graph))

    async def test_picture_to_picture_keeps_something_of_the_source(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """With denoise 0 the source comes out as it went in."""
        Image.new("RGB", (64, 64), (200, 30, 40)).save(sim.store.root / "input" / "red.png")
        graph = text_to_image()
        graph["1"] = node("LoadImage", image="red.png")
        graph["5"] = node("VAEEncode", pixels=["1", 0], vae=["4", 2])
        graph["3"]["inputs"]["denoise"] = 0
        assert (await _picture(session, sim, graph)).getpixel((5, 60)) == (200, 30, 40)
        graph["3"]["inputs"]["denoise"] = 0.9
        assert (await _picture(session, sim, graph)).getpixel((5, 60)) != (200, 30, 40)


class TestOtherOutputs:
    """Films and sound, under each of the keys that nodes use."""

    @pytest.mark.parametrize(
        ("saver", "key", "suffix"),
        [
            (node("SaveAnimatedWEBP", fps=8, lossless=False, quality=80, method="default"),
             "images", ".webp"),
            (node("SaveWEBM", codec="vp9", fps=8, crf=32), "images", ".webm"),
            (node("TestSaveVideos", fps=8), "videos", ".webm"),
            (node("VHS_VideoCombine", frame_rate=8, loop_count=0, format="image/gif",
                  pingpong=False, save_output=True), "gifs", ".gif"),
            (node("VHS_VideoCombine", frame_rate=8, loop_count=0, format="video/webm",
                  pingpong=False, save_output=False), "gifs", ".webm"),
        ],
    )  # fmt: skip
    async def test_films(
        self,
        sim: Simulator,
        session: aiohttp.ClientSession,
        saver: dict[str, Any],
        key: str,
        suffix: str,
    ) -> None:
        """The file is there, and /view serves it with its own type."""
        graph = text_to_image()
        graph["5"]["inputs"]["batch_size"] = 4
        saver["inputs"] |= {"images": ["8", 0], "filename_prefix": "film/cut"}
        graph["9"] = saver
        entry = await finish(session, sim, graph, client_id="a")
        (file,) = entry["outputs"]["9"][key]
        assert file["filename"] == f"cut_00001_{suffix}"
        query = {name: file[name] for name in ("filename", "subfolder", "type")}
        async with session.get(f"{sim.url}/view", params=query) as answer:
            content = await answer.read()
            assert answer.content_type.endswith(suffix[1:])
        if suffix == ".webm":
            assert content.startswith(b"\x1a\x45\xdf\xa3")
            assert content.count(b"\x9d\x01\x2a") == 4  # the start code of each VP8 key frame
        else:
            with Image.open(BytesIO(content)) as film:
                assert getattr(film, "n_frames", 1) == 4

    async def test_sound(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        """SaveAudio lists its file under `audio`."""
        graph = {
            "1": node("TestTone", seconds=0.2, seed=3),
            "2": node("SaveAudio", audio=["1", 0], filename_prefix="audio/tone"),
        }
        entry = await finish(session, sim, graph, client_id="a")
        (file,) = entry["outputs"]["2"]["audio"]
        assert file == {"filename": "tone_00001_.wav", "subfolder": "audio", "type": "output"}
        with wave.open(str(_file(sim, file))) as sound:
            assert sound.getnframes() == pytest.approx(0.2 * sound.getframerate(), abs=1)

    def test_long_film_has_a_cluster_for_each_second(self) -> None:
        """Times of blocks are 16-bit numbers, so one cluster cannot hold a long film."""
        frames = [Image.new("RGB", (16, 16), (i, 0, 0)) for i in range(50)]
        assert media.webm(frames, 10).count(b"\x1f\x43\xb6\x75") == 5
