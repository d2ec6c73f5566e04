"""Which projects this host has seen, and where; and what it means to meet one in two places.

A project that was copied with its `.gallery` has the same id twice. Edits of both copies would
never meet, and nobody could tell which is the project. So the place that was known first is the
project; a later one can only be read, as long as the first is there. All functions block.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import orjson
import structlog

from events.log.engine import FOLDERS, Engine, FormatError
from orchestrator.host import write_whole

_log = structlog.get_logger(__name__)

T = TypeVar("T")

#: A place that has not answered for so long (seconds) counts as being there.
ANSWER_SECONDS = 5.0


class SeenProjects:
    """`projects.json`: ids of the projects this host has seen, and where, the first place first."""

    def __init__(self, path: Path, engine: Engine = FOLDERS) -> None:
        """`path` is the file on local disk."""
        self._path = path
        self._engine = engine
        self._lock = threading.RLock()

    def id_at(self, root: Path) -> str | None:
        """The id of the project that was last seen in a folder."""
        return self.all().get(str(root))

    def add(self, root: Path, project: str) -> None:
        """Remember a project."""
        with self._lock:
            seen = self.all()
            if seen.get(str(root)) != project:
                seen[str(root)] = project
                self._save(seen)

    def settle(self, root: Path, project: str) -> str | None:
        """Why the project in a folder must not be changed there: it is a copy; None if it may.

        If it is none, or no earlier place is left, this is remembered as its first place.
        """
        with self._lock:
            places = [Path(path) for path, id_ in self.all().items() if id_ == project]
            earlier = places[: places.index(root)] if root in places else places
            for place in earlier:
                if not _same_folder(place, root) and (
                    fault := _still_there(self._engine, place, project)
                ):
                    return fault
            if earlier:
                self._prefer(root, project)
            else:
                self.add(root, project)
        return None

    def is_first(self, root: Path, project: str) -> bool:
        """Whether a folder is where the project was first seen, or the first to be seen."""
        places = [path for path, id_ in self.all().items() if id_ == project]
        return not places or places[0] == str(root)

    def _prefer(self, root: Path, project: str) -> None:
        """Make a folder the first place of a project."""
        seen = self.all()
        others = {path: id_ for path, id_ in seen.items() if id_ == project and path != str(root)}
        rest = {path: id_ for path, id_ in seen.items() if id_ != project}
        self._save({**rest, str(root): project, **others})

    def _save(self, seen: dict[str, str]) -> None:
        write_whole(self._path, orjson.dumps(seen, option=orjson.OPT_INDENT_2))

    def all(self) -> dict[str, str]:
        """Project ids by folder."""
        try:
            found = orjson.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except orjson.JSONDecodeError:
            _log.warning("projects_json.damaged", path=str(self._path))
            return {}
        return found if isinstance(found, dict) else {}


def _same_folder(one: Path, other: Path) -> bool:
    """Whether two paths lead to one folder, as two mounts of a share may."""
    if one == other:
        return True
    return _ask(lambda: one.samefile(other)) is True


def _still_there(engine: Engine, place: Path, project: str) -> str | None:
    """Why a project is taken to be in an earlier place still; None if it has gone from there."""
    found = _ask(lambda: engine.find(place))
    if isinstance(found, Exception):
        told = f"and {place} cannot be looked at now ({found})"
    elif found is None or found.project != project:
        return None
    else:
        told = f"which is still at {place}"
    return (
        f"this folder is a copy of the project {project}, {told}; edits of two copies would never "
        f"meet. Work at {place}. If this copy shall take its place, rename .gallery over there; if "
        "it shall be a project of its own, delete .gallery here (its ratings, tags and history go "
        "with it). If both paths lead to the same folder, use one of them"
    )


def _ask(question: Callable[[], T]) -> T | Exception | None:
    """What a question to a share gives or raises; `TimeoutError` if it does not answer in time."""
    answers: list[T | Exception | None] = []

    def ask() -> None:
        try:
            answers.append(question())
        except FileNotFoundError:
            answers.append(None)
        except (OSError, FormatError) as exc:
            answers.append(exc)

    # A daemon: a hung share must not hold up the end of the service.
    thread = threading.Thread(target=ask, name="place", daemon=True)
    thread.start()
    thread.join(ANSWER_SECONDS)
    return answers[0] if answers else TimeoutError(f"no answer within {ANSWER_SECONDS:g} s")
