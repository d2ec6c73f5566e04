"""Whether hosts agree: what each says of the whole project, and what the log alone says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from events.log.folder import FolderLog
from events.log.format_file import load
from events.record import Record
from orchestrator.gallery.curating import tag_counts
from projections.catalogue import empty_tables
from projections.project import ProjectView

#: Whoever has not heard of everything after so many seconds never will.
GUARD = 180.0
#: Seconds between two looks.
PAUSE = 0.1


def fingerprint(said: object) -> str:
    """A hash of what was said, whatever the order of its keys."""
    return sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()


async def converge(urls: Sequence[str], project_paths: Sequence[str], guard: float = GUARD) -> str:
    """Wait until all hosts say the same of the project; the hash of that.

    Raises:
        AssertionError: they do not agree in time; what differs is told.
    """
    timeout = aiohttp.ClientTimeout(total=guard)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        answers: list[dict[str, Any]] = []
        try:
            async with asyncio.timeout(guard):
                while True:
                    pairs = zip(urls, project_paths, strict=True)
                    asked = (ask(session, url, project) for url, project in pairs)
                    answers = list(await asyncio.gather(*asked))
                    if len({fingerprint(answer) for answer in answers}) == 1:
                        return fingerprint(answers[0])
                    await asyncio.sleep(PAUSE)
        except TimeoutError as exc:
            message = f"the hosts do not agree: {_difference(answers)}"
            raise AssertionError(message) from exc


async def ask(session: aiohttp.ClientSession, url: str, project: str) -> dict[str, Any]:
    """What one host says of the project, in words that do not depend on where it lies."""

    async def get(endpoint: str) -> Any:
        params = {"projectPath": project}
        async with session.get(f"{url}/api/gallery/{endpoint}", params=params) as response:
            answer = await response.json()
            assert response.status == 200, answer
            return answer

    ratings, notes, tags, views, trash = await asyncio.gather(
        *(get(endpoint) for endpoint in ("ratings", "notes", "tags", "views", "trash"))
    )
    return {
        "ratings": ratings["ratings"],
        "notes": notes["notes"],
        "tags": {
            tag: [found["name"], found["color"], found["fileCount"]]
            for tag, found in tags["tags"].items()
        },
        "views": {name: view["currentPath"] for name, view in views["views"].items()},
        "trash": {
            file["trashId"]: [file["originalPath"], file["size"], file["rating"], file["host"]]
            for file in trash["files"]
        },
    }


def _difference(answers: Sequence[dict[str, Any]]) -> str:
    """Where answers differ: key by key, the first few."""
    if not answers:
        return "not all have answered"
    found = []
    for kind in answers[0]:
        keys = sorted({key for answer in answers for key in answer[kind]})
        for key in keys:
            values = [answer[kind].get(key) for answer in answers]
            if any(value != values[0] for value in values):
                found.append(f"{kind} of {key}: {values}")
    return f"{len(found)} differences: {found[:10]}"


def records_of(project: Path) -> list[Record]:
    """All records of a project's log, read from the folder by a reader of nobody's."""
    found = load(project / ".gallery")
    assert found is not None, "there is no log"
    log = FolderLog(project / ".gallery", found, "reader")
    return [record for records in log.read() for record in records]


def view_of(records: list[Record]) -> ProjectView:
    """The state that records add up to."""
    tables = empty_tables()
    tables.apply(records)
    return ProjectView(tables)


def said_by_log(project: Path) -> str:
    """The hash of what the hosts must say, by the log alone."""
    view = view_of(records_of(project))
    said = {
        "ratings": {path: rating.stars for path, rating in view.ratings()},
        "notes": dict(view.notes()),
        "tags": {
            tag: [known.name, known.color, count]
            for tag, (known, count) in tag_counts(view).items()
        },
        "views": {name: view.settings.get("current_path") for name, view in view.views().items()},
        "trash": {
            trash: [found.path, found.size, view.stars_of(found.asset), found.host]
            for trash, found in view.trash()
        },
    }
    return fingerprint(said)
