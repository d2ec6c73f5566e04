"""Finding the log that a PROJECT argument means. Creates nothing."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from events.log.format_file import NAME, FormatError, load


@frozen
class Place:
    """A project's folder, its `.gallery`, and its id."""

    root: Path
    gallery: Path
    project: str

    @property
    def log(self) -> Path:
        """The folder of the segments."""
        return self.gallery / "log"


def gallery_of(project: Path) -> tuple[Path, Path]:
    """The project's folder and its `.gallery`, whichever of both was named.

    Raises:
        FileMissing: there is no such folder.
    """
    given = project.absolute()
    if not given.is_dir():
        from orchestrator.errors import FileMissing

        raise FileMissing(str(project))
    # `..` and links are resolved only where the name says nothing, as for `.`.
    named = given if given.name == ".gallery" else given.resolve()
    if named.name == ".gallery":
        return named.parent, named
    return given, given / ".gallery"


def locate(project: Path) -> Place:
    """The log of a project that can be read.

    Raises:
        FileMissing: there is no such folder.
        ProjectUnreadable: nothing was ever recorded there, or FORMAT forbids reading it.
    """
    root, gallery = gallery_of(project)
    try:
        found = load(gallery)
    except FormatError as exc:
        raise unreadable(root, str(exc)) from exc
    if found is None:
        raise unreadable(
            root,
            f"it has no .gallery/{NAME}, so nothing was ever recorded there; name the folder of a "
            "project, and see that its share is mounted",
        )
    return Place(root, gallery, found.project)


def unreadable(root: Path, reason: str) -> Exception:
    """The error of a project that cannot be read; imported here, since it is seldom needed."""
    from orchestrator.errors import ProjectUnreadable

    return ProjectUnreadable(str(root), reason)
