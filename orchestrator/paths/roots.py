"""Which files requests may touch: nothing outside the permitted folders, whatever a path says.

Symbolic links are followed before the answer is given, so a link that leads out of the permitted
folders is refused like any other path there. Asking touches the disk and may block on a share
that does not answer: call these functions through `asyncio.to_thread`.
"""

from __future__ import annotations

import errno
import os
import re
import string
import time
from collections.abc import Callable, Iterable
from pathlib import Path, PurePath

from attrs import field, frozen

from orchestrator.errors import FileMissing, PathInvalid, PathNotPermitted
from orchestrator.paths.checks import (
    MAX_NAME_BYTES,
    MAX_PATH_BYTES,
    SERVICE_FOLDER,
    check,
    is_service_path,
    names_service_path,
    safe_name,
)
from orchestrator.paths.mappings import (
    PathMapping,
    Translator,
    current_os,
    is_absolute,
    translator,
)
from orchestrator.paths.places import Places, follow, step_down

__all__ = [
    "MAX_NAME_BYTES",
    "MAX_PATH_BYTES",
    "SERVICE_FOLDER",
    "Roots",
    "default_roots",
    "is_service_path",
    "permitted_folders",
    "relative",
    "safe_name",
]

#: An absolute path, of a system with `/`, that `pathlib` would leave as it is.
_TIDY = re.compile(r"(?:/[^/.][^/]*)+")


def default_roots() -> tuple[Path, ...]:
    """The folders that are permitted when none is configured; they need not exist.

    On Windows the home folder and every drive but the system's; elsewhere the home folder, /mnt,
    /media and /Volumes. A home folder of `/`, as system users have, is left out.
    """
    if current_os() == "windows":
        system = os.environ.get("SYSTEMDRIVE", "C:").upper()
        drives = [f"{letter}:" for letter in string.ascii_uppercase]
        shares = tuple(Path(drive + "\\") for drive in drives if drive != system)
    else:
        shares = (Path("/mnt"), Path("/media"), Path("/Volumes"))
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises where there is none
    return (home, *shares) if home.is_absolute() and home != home.parent else shares


class Roots:
    """The permitted folders, and what paths of other systems are called here.

    Everybody who asks holds the one object that the service has. Mappings may change while it
    runs: `use` puts a new `_Scope` in place of the old one, and a question that is being answered
    meanwhile is answered by the one with which it began. May be used by several threads.
    """

    def __init__(
        self,
        roots: tuple[Path, ...] = (),
        mappings: tuple[PathMapping, ...] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Permit what is configured.

        Args:
            roots: As configured; empty means `default_roots()`.
            mappings: As configured. Their local sides are permitted.
            clock: Counts seconds.
        """
        self.roots = roots
        self._configured = mappings
        self._clock = clock
        #: Rises with each change: what was worked out with another edition may be wrong by now.
        self.edition = 0
        self.use(mappings)

    def use(self, mappings: Iterable[PathMapping]) -> None:
        """Translate by these mappings from now on.

        Who may change mappings may not thereby read all disks: only what was configured is
        permitted. Of the configured mappings' local sides, those are permitted at or below which a
        mapping still leads; removing or disabling a mapping takes its folder back.
        """
        live = tuple(mappings)
        self.mappings = live
        folders = permitted_folders(self.roots or default_roots(), self._configured, live)
        self._scope = _Scope(folders, translator(live, current_os()), Places(self._clock))
        self.edition += 1

    @property
    def folders(self) -> tuple[Path, ...]:
        """All permitted folders. One that does not exist stays here, but permits nothing."""
        return self._scope.folders

    def covers(self, folder: str) -> bool:
        """Whether a folder lies in a permitted one by its name. Looks at no disk."""
        return any(Path(folder).is_relative_to(root) for root in self.folders)

    def permit(self, path: str | Path) -> Path:
        """The real path, all links followed, of an absolute path that may be touched.

        A path of another operating system is translated by the mappings first. The path need not
        exist; the part of it that does exist decides.

        Raises:
            PathInvalid: It is empty, relative, too long, has control characters or `..`, or is a
                loop of links.
            PathNotPermitted: It lies outside the permitted folders, or nobody lets us look.
            FileMissing: The share does not answer.
        """
        return Path(self._scope.permit(os.fspath(path)))

    def permits(self, path: str | Path) -> bool:
        """Whether `permit` would let a path through."""
        try:
            self._scope.permit(os.fspath(path))
        except (PathInvalid, PathNotPermitted, FileMissing):
            return False
        return True

    def inside(self, project: Path, relative: str) -> Path:
        r"""A path of a project, from its relative form (`/` or `\`) or its absolute one.

        The answer starts with `project` as it was given and keeps links as they are, because it
        names the file; that the links lead to a permitted folder has been checked. `.` is the
        project itself.

        Raises:
            PathInvalid: It is empty, too long, has control characters or `..`.
            PathNotPermitted: It lies outside the project, leads out of the permitted folders, or
                is the service's own folder.
            FileMissing: The share does not answer.
        """
        return self._scope.inside(project, relative)


@frozen(eq=False)
class _Scope:
    """All that decides, at one moment, what a path means and whether it may be touched."""

    folders: tuple[Path, ...]
    to_here: Translator
    places: Places
    #: The same folders, as text that paths below them begin with.
    _beginnings: tuple[tuple[str, str], ...] = field(init=False)

    @_beginnings.default
    def _of_folders(self) -> tuple[tuple[str, str], ...]:
        # Windows has more kinds of links than `step_down` looks for.
        known = map(str, self.folders) if current_os() != "windows" else ()
        return tuple((folder, f"{folder.rstrip('/')}/") for folder in known)

    def permit(self, path: str) -> str:
        """As `Roots.permit`."""
        text = self.to_here(path)
        check(text)
        if self._beginnings and _TIDY.fullmatch(text):
            return self._real(text)
        if not Path(text).is_absolute():
            raise PathInvalid(path=text, reason="it is not absolute")
        return self._real(str(Path(text)))

    def inside(self, project: Path, relative: str) -> Path:
        """As `Roots.inside`."""
        text = self.to_here(relative)
        check(text)
        given = _native(text)
        below = self._below(project, given) if given.is_absolute() else given
        target = project / below
        if is_service_path(below) or names_service_path(self._real_in(project, below)):
            raise self._refused(text)
        return target

    def _below(self, project: Path, path: Path) -> PurePath:
        """What is left of an absolute path below the project, by name or by what is there."""
        if path.is_relative_to(project):
            return path.relative_to(project)
        real, real_project = Path(self._real(str(path))), Path(self._real(str(project)))
        if real.is_relative_to(real_project):
            return real.relative_to(real_project)
        raise self._refused(str(path))

    def _real_in(self, project: Path, below: PurePath) -> str:
        """Where a path of a project leads; refused as by `_real`."""
        name, rest = str(project), str(below)
        if not self._beginnings or rest == ".":
            return self._real(str(project / below))
        real = self.places.remembered(name)
        if real is None:
            real = self._real(name)
            self.places.remember(name, real)
        found = self._step_down(f"{name}/{rest}", real, rest)
        return found if found is not None else self._real_by_links(str(project / below))

    def _real(self, path: str) -> str:
        """Where a path leads; refused if that is outside of every permitted folder."""
        for folder, beginning in self._beginnings:
            if path.startswith(beginning) and (root := self.places.of(folder)) is not None:
                found = self._step_down(path, root, path[len(beginning) :])
                if found is not None:
                    return found
        return self._real_by_links(path)

    def _step_down(self, path: str, real: str, rest: str) -> str | None:
        try:
            return step_down(real, rest)
        except OSError as exc:
            raise self._unreachable(path, exc) from exc

    def _real_by_links(self, path: str) -> str:
        name = Path(path)
        try:
            real = Path(follow(path))
        except OSError as exc:
            if not any(name.is_relative_to(folder) for folder in self.folders):
                raise self._refused(path) from exc
            raise self._unreachable(path, exc) from exc
        # Folders that look right come first: a share that hangs shall not slow down the others.
        for folder in sorted(self.folders, key=lambda folder: not name.is_relative_to(folder)):
            root = self.places.of(str(folder))  # a folder that is not there permits nothing
            if root is not None and real.is_relative_to(root):
                return str(real)
        if any(name.is_relative_to(folder) and not folder.exists() for folder in self.folders):
            raise FileMissing(path=path)  # a permitted folder that is not mounted now
        raise self._refused(path)

    def _refused(self, path: str) -> PathNotPermitted:
        return PathNotPermitted(path=path, roots=tuple(map(str, self.folders)))

    def _unreachable(self, path: str, exc: OSError) -> PathInvalid | PathNotPermitted | FileMissing:
        if exc.errno == errno.ELOOP:
            return PathInvalid(path=path, reason="its symbolic links lead in a circle")
        if isinstance(exc, PermissionError):
            return self._refused(path)
        return FileMissing(path=path)


def permitted_folders(
    roots: Iterable[Path], configured: Iterable[PathMapping], live: Iterable[PathMapping]
) -> tuple[Path, ...]:
    """The roots, and those local sides of configured mappings to which live mappings lead. Pure."""
    here = current_os()

    def local(mappings: Iterable[PathMapping]) -> list[Path]:
        sides = [m.side(here) for m in mappings if m.enabled]
        return [Path(side) for side in sides if is_absolute(side, here)]

    used = local(live)
    kept = [side for side in local(configured) if any(u.is_relative_to(side) for u in used)]
    return tuple(dict.fromkeys([*roots, *kept]))


def relative(project: Path, path: Path) -> str:
    """The path of a file below its project, always with `/`; `.` is the project itself.

    Pure. Spelled as it is on disk, for access: NFC and NFD names are two files on a share. Only an
    asset's identity is normalised (`gallery.fingerprint.asset_id`).

    Raises:
        PathNotPermitted: The path does not lie in the project.
    """
    try:
        return path.relative_to(project).as_posix()
    except ValueError as exc:
        raise PathNotPermitted(path=str(path), roots=(str(project),)) from exc


def _native(text: str) -> Path:
    """A path below a project, or an absolute one, of this system."""
    here = current_os()
    if here != "windows" and not text.startswith("/") and ("\\" in text or ":" in text):
        if is_absolute(text, "windows"):
            raise PathNotPermitted(path=text)
        text = text.replace("\\", "/")
    path = Path(text)
    if not path.is_absolute() and path.anchor:
        raise PathInvalid(path=text, reason="it is neither relative nor absolute")
    return path
