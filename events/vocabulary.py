"""All event families in one import, so that the registry is whole wherever lines are decoded."""

from __future__ import annotations

from events import assets, curation, edits, files, imports, jobs, trash, views

FAMILIES = (assets, curation, edits, files, imports, jobs, trash, views)
