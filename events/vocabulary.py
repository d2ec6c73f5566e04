"""All event families in one import, so that the registry is whole wherever lines are decoded."""

from __future__ import annotations

from events import assets, curation, files, jobs, views

FAMILIES = (assets, curation, files, jobs, views)
