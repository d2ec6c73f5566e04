"""How the pictures were made whose names others took. SQL on one connection; functions block.

The index sees that a file has changed; whether that makes it another picture, only what was known
before can tell, and a row is replaced when its file is read. So how the picture was made that lay
there before is kept beside the new row, until it is told in the log that this is another one; also
if the service is killed in between. It moves along with its row, and is forgotten with it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

import orjson

from orchestrator.gallery.index.model import joined, parted
from orchestrator.gallery.made_anew import made_otherwise
from orchestrator.gallery.recipe import Recipe

TABLE = """
CREATE TABLE earlier (
    id INTEGER PRIMARY KEY,
    -- How the file was made that was known here before, as JSON.
    recipe TEXT NOT NULL,
    -- Whether the one that lies here now says that it is another picture. It may say nothing: it is
    -- being written, or what it said was taken out.
    anew INTEGER NOT NULL
);
CREATE INDEX anew ON earlier (anew) WHERE anew;
"""
_RECIPE = (
    "json_array(t.prompt, t.negative_prompt, t.models, t.loras, f.sampler, f.scheduler, f.steps,"
    " f.cfg, f.seed)"
)
_FILE = "files f JOIN texts t ON t.id = f.id"


def known_recipes(connection: sqlite3.Connection, ids: Iterable[int]) -> dict[int, Recipe]:
    """How files were made before they are replaced, or those before them that nobody told of.

    Those that say nothing are left out.
    """
    (found,) = connection.execute(
        f"SELECT json_group_array(json_array(f.id, e.recipe, {_RECIPE}))"  # noqa: S608 - ours
        f" FROM json_each(?) j JOIN {_FILE} LEFT JOIN earlier e ON e.id = f.id"
        " WHERE f.id = j.value",
        [orjson.dumps(list(ids)).decode()],
    ).fetchone()
    read = (
        (identity, recipe_of(*(last if earlier is None else orjson.loads(earlier))))
        for identity, earlier, last in orjson.loads(found)
    )
    return {identity: recipe for identity, recipe in read if not recipe.empty}


def keep(connection: sqlite3.Connection, before: Mapping[int, Recipe]) -> None:
    """Note how the files were made that new rows have replaced, where the new ones do not say so.

    Args:
        connection: In a transaction; the new rows are in it.
        before: How the file before was made, by the id of the new row.
    """
    if not before:
        return
    now = known_recipes(connection, before)
    connection.executemany(
        "INSERT INTO earlier (id, recipe, anew) VALUES (?, ?, ?)",
        [
            (identity, _plain(old), anew)
            for identity, old in before.items()
            if (anew := made_otherwise(old, now.get(identity, Recipe()))) or identity not in now
        ],
    )


def made_anew(connection: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    """Size and time of the files that took the name of another picture, by path."""
    (found,) = connection.execute(
        "SELECT json_group_array(json_array(f.folder, f.name, f.size, f.mtime_ns)) FROM earlier e"
        " JOIN files f ON f.id = e.id WHERE e.anew AND f.missing_ns IS NULL"
    ).fetchone()
    return {
        joined(folder, name): (size, mtime) for folder, name, size, mtime in orjson.loads(found)
    }


def is_another(
    connection: sqlite3.Connection, path: str, size: int, mtime_ns: int, now: Recipe
) -> bool:
    """Whether a file of this size and time, made so, is another picture than was known there."""
    found = connection.execute(
        f"SELECT {_RECIPE}, f.size, f.mtime_ns, e.recipe FROM {_FILE}"  # noqa: S608 - ours
        " LEFT JOIN earlier e ON e.id = f.id WHERE f.folder = ? AND f.name = ?",
        parted(path),
    ).fetchone()
    if found is None:
        return False
    last, *seen, earlier = found
    if earlier is not None:
        return made_otherwise(recipe_of(*orjson.loads(earlier)), now)
    # A row that is of this very file says nothing of the one before it.
    return seen != [size, mtime_ns] and made_otherwise(recipe_of(*orjson.loads(last)), now)


def told(connection: sqlite3.Connection, paths: Iterable[str]) -> None:
    """Nothing is left to tell of these files."""
    connection.executemany(
        "DELETE FROM earlier WHERE id IN (SELECT id FROM files WHERE folder = ? AND name = ?)",
        map(parted, paths),
    )


def recipe_of(
    prompt: str, negative_prompt: str, models: str, loras: str, sampler: str | None,
    scheduler: str | None, steps: int | None, cfg: float | None, seed: str | None,
) -> Recipe:  # fmt: skip
    """A recipe from its row."""
    return Recipe(
        prompt=prompt,
        negative_prompt=negative_prompt,
        models=tuple(models.split("\n")) if models else (),
        loras=tuple(loras.split("\n")) if loras else (),
        sampler=sampler,
        scheduler=scheduler,
        steps=steps,
        cfg=cfg,
        seed=None if seed is None else int(seed),
    )


def _plain(recipe: Recipe) -> str:
    """A recipe as a row says it."""
    models, loras = "\n".join(recipe.models), "\n".join(recipe.loras)
    seed = None if recipe.seed is None else str(recipe.seed)
    numbers = recipe.sampler, recipe.scheduler, recipe.steps, recipe.cfg, seed
    said = (recipe.prompt, recipe.negative_prompt, models, loras, *numbers)
    return orjson.dumps(said).decode()
