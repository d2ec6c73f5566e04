"""Names that this service has promised to files of one project, and that are not on the disk yet.

A hundred jobs of one group end in the same moment, and all want the next version in one folder.
Without this they would choose the same name, one would get it, and the others would begin anew; and
each of them would list the whole folder.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from attrs import define, field

from orchestrator.gallery import naming
from orchestrator.gallery.intake import free_name

#: A folder that was listed so short a time ago is not listed for the next version (seconds).
LISTED_FOR = 1.0
#: Kinds of names whose last version is remembered.
MAX_REMEMBERED = 1_000


@define(eq=False)
class Promises:
    """Chooses names one after the other; no name is promised twice."""

    monotonic: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(factory=threading.Lock)
    _names: set[str] = field(factory=set)
    #: Last version of names of one kind, and until when it counts.
    _last: dict[tuple[str, str], tuple[int, float]] = field(factory=dict)

    def choose(
        self, project: Path, template: str, tokens: Mapping[str, str | int], suffix: str
    ) -> str:
        """A path that nobody has, relative to the project; it is kept until `release`. Blocks.

        Raises:
            OSError: the folder cannot be listed.
            TemplateInvalid: the template cannot make a name.
        """
        pattern = naming.render_open(template, tokens)
        with self._lock:
            name = self._following(project, pattern, suffix)
            if name is None:
                name = free_name(project, template, tokens, suffix, self._names)
                self._remember(name, pattern, suffix)
            self._names.add(name)
            return name

    def release(self, name: str) -> None:
        """The file is at its name now, or will never be.

        It waits for nobody, since it is called on the event loop: a set drops a name at once.
        """
        self._names.discard(name)

    def _following(self, project: Path, pattern: str, suffix: str) -> str | None:
        """The version after the last one, if that is known well enough and free."""
        version, until = self._last.get((pattern, suffix), (0, 0.0))
        if not version or self.monotonic() >= until:
            return None
        name = naming.versioned(pattern, version + 1, suffix)
        if name is None or name in self._names or os.path.lexists(project / name):
            return None
        self._last[pattern, suffix] = version + 1, until
        return name

    def _remember(self, name: str, pattern: str, suffix: str) -> None:
        version = naming.version_in(name, pattern, suffix)
        if len(self._last) >= MAX_REMEMBERED:
            self._last.clear()
        if version is not None:
            self._last[pattern, suffix] = version, self.monotonic() + LISTED_FOR
