"""All projections of a project, and a version of their code for checkpoints."""

from __future__ import annotations

from typing import Any

from projections import (
    assets,
    backends,
    files,
    groups,
    hosts,
    imports,
    jobs,
    mappings,
    notes,
    plans,
    ratings,
    states,
    tags,
    trash,
    views,
    webhooks,
    witness,
)
from projections.fold import Projection, Tables

PROJECTIONS: tuple[Projection[Any], ...] = (
    assets.ASSETS,
    assets.PLACES,
    assets.LINEAGE,
    ratings.RATINGS,
    tags.DEFINITIONS,
    tags.TAGS,
    notes.NOTES,
    trash.TRASH,
    views.VIEWS,
    imports.IMPORTED,
    imports.AWAITED,
    files.OPERATIONS,
    plans.PLANS,
    jobs.JOBS,
    groups.GROUPS,
    hosts.HOSTS,
    backends.BACKENDS,
    mappings.MAPPINGS,
    webhooks.NOTIFIED,
    states.NEWEST,
    states.STATES,
    witness.WITNESSED,
    witness.GAPS,
)


def empty_tables() -> Tables:
    """Tables of all projections, with nothing in them."""
    return Tables(PROJECTIONS)
