"""The sample project: painted pictures in panels, each with the graph that would have made it."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from attrs import frozen
from PIL.PngImagePlugin import PngInfo

from orchestrator.comfyui.catalogue import Catalogue
from orchestrator.comfyui.workflow import apply_parameters
from tools.demo.editor import editor_workflow
from tools.simulator.pictures import landscape

PROJECT: Final = "Eliot"
PICTURES_PER_PANEL: Final = 10
#: Where the example workflows stand; the demo's service gets a copy.
WORKFLOWS: Final = Path(__file__).parent / "workflows"

_WIDE, _TALL = (512, 288), (320, 480)
_NEGATIVE: Final = "blurry, text, watermark, lens flare"
#: The last picture is so old when the demo starts; each one before is some minutes older.
_NEWEST_AGE: Final = 3_600
_MINUTES_APART: Final = (7, 95)


@frozen
class Scene:
    """What one panel of the storyboard shows."""

    panel: str
    workflow_id: str
    prompt: str
    variants: tuple[str, ...]
    size: tuple[int, int] = _WIDE


#: Prompts are written as people write them, in several languages.
SCENES: Final[tuple[Scene, ...]] = (
    Scene(
        "Panel_01",
        "flux_dev",
        "cinematic wide shot, Eliot crosses a rope bridge above the clouds, sunset",
        ("golden light", "heavy fog", "seen from below", "35mm film grain"),
    ),
    Scene(
        "Panel_02",
        "flux_dev",
        "Eliot läuft bei Nacht über die nasse Straße, Straßenlaternen, Größe: Totale",
        ("Mondlicht", "Regen", "Gegenlicht", "Sterne über der Stadt"),
    ),
    Scene(
        "Panel_03",
        "sdxl_portrait",
        "portrait of the old lighthouse keeper, sea and storm behind him",
        ("close-up", "profile", "laughing", "looking into the lens"),
        _TALL,
    ),
    Scene(
        "Panel_04",
        "flux_dev",
        "雪の森、静かな朝、snow forest in the morning, Eliot sehr klein im Bild",
        ("霧", "first sun", "deer between the trees", "fresh tracks"),
    ),
    Scene(
        "Panel_05",
        "sdxl_portrait",
        "portrait d'Éliot au café à l'aube, lumière douce, neon sign in the window",
        ("rêveur", "profil", "plan serré", "sourire"),
        _TALL,
    ),
    Scene(
        "Panel_06",
        "quick",
        "storyboard sketch, Eliot reaches the lake, the boat is gone – нет лодки",
        ("wide", "over the shoulder", "detail of the rope", "end title 🎬"),
    ),
)


@frozen
class Shot:
    """One picture of the sample project, before it is painted."""

    #: Relative to the project, with `/`.
    path: str
    prompt: str
    seed: int
    size: tuple[int, int]
    graph: dict[str, Any]
    #: How long before the demo's start it was rendered, in seconds.
    age: int


def shots() -> Iterator[Shot]:
    """All pictures of the project; the same ones each time. Reads the example workflows."""
    chance = random.Random(PROJECT)
    catalogue = Catalogue(WORKFLOWS)
    age = _NEWEST_AGE + sum(_MINUTES_APART) * 30 * len(SCENES) * PICTURES_PER_PANEL
    for scene in SCENES:
        entry = catalogue.load(scene.workflow_id)
        for number in range(PICTURES_PER_PANEL):
            seed = chance.randrange(2**50)
            prompt = f"{scene.prompt}, {scene.variants[number % len(scene.variants)]}"
            parameters = {
                "prompt": prompt,
                "seed": seed,
                "steps": chance.choice((8, 20, 28, 32)),
                "cfg": chance.choice((3.0, 3.5, 5.5, 7.0)),
                "width": scene.size[0],
                "height": scene.size[1],
            }
            if scene.workflow_id != "flux_dev":  # FLUX knows no negative prompt
                parameters["negative_prompt"] = _NEGATIVE
            graph = apply_parameters(entry.graph, parameters, entry.exposed)
            path = f"{scene.panel}/{PROJECT}_{scene.panel}_v{number + 1:03}.png"
            yield Shot(path, prompt, seed, scene.size, graph, age)
            age -= 60 * chance.randint(*_MINUTES_APART)


def write_project(root: Path, now: float) -> int:
    """Paint every picture into the project folder; returns their number. Blocks.

    Args:
        root: the project's folder; it is made.
        now: the time of day from which the pictures' ages count, in seconds since 1970.

    Raises:
        OSError: the disk refuses.
    """
    count = 0
    for shot in shots():
        path = root / shot.path
        path.parent.mkdir(parents=True, exist_ok=True)
        landscape(shot.prompt, shot.seed, shot.size).save(path, "PNG", pnginfo=chunks(shot.graph))
        os.utime(path, (now - shot.age, now - shot.age))
        count += 1
    return count


def chunks(graph: dict[str, Any]) -> PngInfo:
    """`prompt` and `workflow` as ComfyUI's SaveImage writes them: JSON in plain ASCII."""
    info = PngInfo()
    info.add_text("prompt", json.dumps(graph))
    info.add_text("workflow", json.dumps(editor_workflow(graph)))
    return info
