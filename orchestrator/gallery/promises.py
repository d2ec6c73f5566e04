"""Names that this service has promised to files of one project, and that are not on the disk yet.

A hundred jobs of one group end in the same moment, and all want the next version in one folder.
Without this they would choose the same name, one would get it, and the others would begin anew.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from orchestrator.gallery.intake import free_name


class Promises:
    """Chooses names one after the other; no name is promised twice. Its methods block."""

    def __init__(self) -> None:
        """Nothing is promised."""
        self._lock = threading.Lock()
        self._names: set[str] = set()

    def choose(
        self, project: Path, template: str, tokens: Mapping[str, str | int], suffix: str
    ) -> str:
        """A path that nobody has, relative to the project; it is kept until `release`.

        Raises:
            OSError: the folder cannot be listed.
            TemplateInvalid: the template cannot make a name.
        """
        with self._lock:
            name = free_name(project, template, tokens, suffix, self._names)
            self._names.add(name)
            return name

    def release(self, name: str) -> None:
        """The file is at its name now, or will never be."""
        with self._lock:
            self._names.discard(name)
