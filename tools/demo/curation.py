"""What three people said of the sample pictures, told to the service as their programs would."""

from __future__ import annotations

import random
from typing import Final

from attrs import frozen

from tools.demo.api import Api
from tools.demo.sample import PICTURES_PER_PANEL, PROJECT, SCENES

#: Tags and their colours, as the document's examples have them.
TAGS: Final = {"Approved": "#51cf66", "Retouch": "#ffa94d", "Client pick": "#4dabf7"}
_RATERS: Final = ("maria", "jonas", "director")
_RATED_PER_PANEL: Final = 4


@frozen
class Curated:
    """How much was said."""

    ratings: int
    tags: int
    tagged: int
    people: int


async def curate(api: Api, project: str) -> Curated | None:
    """Rate and tag some pictures; None if somebody has done so already.

    Raises:
        StepFailedError: the service refuses.
    """
    if (await api.get("/api/gallery/ratings", projectPath=project))["ratings"]:
        return None
    chance = random.Random(PROJECT)
    tags = {
        name: await _define(api, project, name, color, chance.choice(_RATERS))
        for name, color in TAGS.items()
    }
    ratings = tagged = 0
    for scene in SCENES:
        numbers = chance.sample(range(1, PICTURES_PER_PANEL + 1), _RATED_PER_PANEL)
        for place, number in enumerate(numbers):
            path = f"{scene.panel}/{PROJECT}_{scene.panel}_v{number:03}.png"
            # The director has the last word on the first of them, so that there is a history.
            people = ("jonas", "director") if place == 0 else (chance.choice(_RATERS),)
            for person in people:
                await _rate(api, project, path, chance.randint(2, 5), person)
                ratings += 1
            if place < 2:
                chosen = tags[chance.choice(tuple(TAGS))]
                await tag_file(api, project, path, [chosen], people[-1])
                tagged += 1
    return Curated(ratings, len(tags), tagged, len(_RATERS))


async def _define(api: Api, project: str, name: str, color: str, actor: str) -> str:
    body = {"projectPath": project, "name": name, "color": color}
    answer = await api.post("/api/gallery/tags", body, actor=actor)
    tag_id: str = answer["tag"]["id"]
    return tag_id


async def _rate(api: Api, project: str, path: str, stars: int, actor: str) -> None:
    body = {"projectPath": project, "filePath": path, "rating": stars}
    await api.post("/api/gallery/ratings", body, actor=actor)


async def tag_file(api: Api, project: str, path: str, tags: list[str], actor: str) -> None:
    """Put tags on a file."""
    body = {"projectPath": project, "filePath": path, "addTags": tags}
    await api.post("/api/gallery/file-tags", body, actor=actor)


async def tag_named(api: Api, project: str, name: str, color: str, actor: str) -> str:
    """The id of a tag, which is made if the project does not have it."""
    known = (await api.get("/api/gallery/tags", projectPath=project))["tags"]
    for tag_id, tag in known.items():
        if tag["name"].casefold() == name.casefold():
            return str(tag_id)
    return await _define(api, project, name, color, actor)
