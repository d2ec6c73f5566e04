"""What requests about many files have in common: their names, and those left as they were."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from aiohttp import web
from attrs import field, frozen

from orchestrator import errors
from orchestrator.gallery.curating import Said, Say
from orchestrator.http.gallery import AT, PROJECT_PATH
from orchestrator.http.middleware import ACTOR
from orchestrator.services import CURATOR

#: Files that one request may speak of.
MANY = 10_000
#: Bytes of a request about so many files with long paths.
MANY_BYTES = 48 * 1024 * 1024


@frozen(kw_only=True, repr=False)
class AskSaid:
    """Whose ratings, tags or notes, and as of when."""

    project_path: str = field(metadata=PROJECT_PATH)
    at: datetime | None = field(default=None, metadata=AT)


@frozen(kw_only=True, repr=False)
class RefusedFile:
    """A file of a request that was left as it was, and why."""

    file_path: str
    code: str
    message: str


def refused_files(said_of: Iterable[Said]) -> list[RefusedFile]:
    """The files of a request that were left as they were."""
    return [
        RefusedFile(file_path=said.file_path, code=said.refused.code, message=str(said.refused))
        for said in said_of
        if said.refused is not None
    ]


async def say_of(
    request: web.Request, project_path: str, one: str | None, everything: list[Say]
) -> tuple[str | None, list[Said]]:
    """Say something of one file, which is refused if it must be, or of many, each for itself."""
    curator, actor = request.app[CURATOR], request[ACTOR]
    if one is None:
        return await curator.say_all(project_path, everything, actor)
    path = await curator.say(project_path, everything[0], actor)
    return None, [Said(one, path)]


def one_or_many(one: str | None, many: list[str] | None) -> list[str]:
    """The files that a request speaks of, each once.

    Raises:
        InvalidFields: neither is given, or both.
    """
    if (one is None) == (many is None):
        raise errors.InvalidFields((errors.Fault("", "send `filePath`, or `files`"),))
    return [one] if one is not None else list(dict.fromkeys(many or ()))
