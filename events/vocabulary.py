"""All event families in one import, so that the registry is whole wherever lines are decoded."""

from __future__ import annotations

from events import (
    assets,
    backends,
    curation,
    edits,
    files,
    groups,
    hosts,
    imports,
    jobs,
    mappings,
    states,
    trash,
    views,
    webhooks,
    witness,
)

FAMILIES = (
    assets,
    backends,
    curation,
    edits,
    files,
    groups,
    hosts,
    imports,
    jobs,
    mappings,
    states,
    trash,
    views,
    webhooks,
    witness,
)
