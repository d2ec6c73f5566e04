"""All projections of a project, and a version of their code for checkpoints."""

from __future__ import annotations

from typing import Any

from projections import assets, files, jobs, ratings, tags, views
from projections.fold import Projection, Tables

PROJECTIONS: tuple[Projection[Any], ...] = (
    assets.ASSETS,
    assets.PLACES,
    assets.LINEAGE,
    ratings.RATINGS,
    tags.DEFINITIONS,
    tags.TAGS,
    views.VIEWS,
    files.OPERATIONS,
    jobs.JOBS,
)


def empty_tables() -> Tables:
    """Tables of all projections, with nothing in them."""
    return Tables(PROJECTIONS)
