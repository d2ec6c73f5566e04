"""States of a project: what a storyboard saved, kept for ever."""

from __future__ import annotations

from attrs import frozen

from events.registry import event


@event("project.saved")
@frozen(kw_only=True)
class ProjectSaved:
    """A state of the project was saved; its bytes are kept in `states/<sha256>.json.gz`."""

    #: The name of its file, which lies in the project's folder.
    file: str
    #: Of the file's bytes, before compression.
    sha256: str
    #: Bytes of the file.
    size: int
    #: How many panels it has; None if the file is no state that can be read.
    panels: int | None = None
    #: When it was saved, as the state itself says; None if it does not.
    saved_at: str | None = None
    #: `saved`: somebody saved it here; `found`: it lay there, and nobody had told of it.
    origin: str = "saved"
