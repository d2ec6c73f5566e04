"""All endpoints that the frontend asks for in its own way, and how pages are told of refusals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from orchestrator.http import files, folder_scans, folders, saving, states
from orchestrator.http.endpoint import Endpoint
from orchestrator.http.frontend import (
    browsing,
    curating,
    finding,
    looks,
    moving,
    recursive,
    speaking,
    trashing,
)

FRONTEND: Final = speaking.spoken(browsing, recursive, curating, looks, moving, trashing, finding)

#: Of the core: calls whose refusals the storyboard reads (`success`, `message`, `error`). It reads
#: nothing of a status other than 2xx. All other calls look at the status alone.
READ_IN_PAGES: Final = (
    folders.browse_folders,
    folders.create_folder,
    folders.list_projects,
    folders.delete_image,
    folder_scans.scan_project_panels,
    folder_scans.scan_folder_images,
    folder_scans.scan_project_images,
    folder_scans.scan_versions,
    states.save_project,
    states.load_project,
    saving.save_image,
    saving.save_base64_image,
    files.png_metadata,
)


def bilingual(endpoints: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """Endpoints of the document that are answered in the frontend's way, too."""
    return speaking.bilingual(endpoints, FRONTEND, READ_IN_PAGES)
