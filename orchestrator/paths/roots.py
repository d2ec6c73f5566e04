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
import unicodedata
from pathlib import Path, PurePath

from attrs import field, frozen
from pathvalidate import ValidationError, validate_filename

from orchestrator.errors import FileMissing, PathInvalid, PathNotPermitted
from orchestrator.paths.mappings import PathMapping, current_os, is_absolute, to_local

#: Bytes of a path that Linux still takes: PATH_MAX is 4096 with the closing NUL.
MAX_PATH_BYTES = 4095
#: Bytes of one name on all usual file systems.
MAX_NAME_BYTES = 255
#: The service's own folder in every project.
SERVICE_FOLDER = ".gallery"

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


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


@frozen
class Roots:
    """The permitted folders: those configured, else the default ones, and the mapped ones."""

    #: As configured; empty means `default_roots()`.
    roots: tuple[Path, ...] = ()
    mappings: tuple[PathMapping, ...] = ()
    #: All permitted folders. One that does not exist stays here, but permits nothing.
    folders: tuple[Path, ...] = field(init=False)

    @folders.default
    def _all_folders(self) -> tuple[Path, ...]:
        here = current_os()
        sides = [m.side(here) for m in self.mappings if m.enabled]
        mapped = [Path(side) for side in sides if is_absolute(side, here)]
        return tuple(dict.fromkeys([*(self.roots or default_roots()), *mapped]))

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
        text = to_local(os.fspath(path), self.mappings, current_os())
        _check(text)
        if not Path(text).is_absolute():
            raise PathInvalid(path=text, reason="it is not absolute")
        return self._real(Path(text))

    def permits(self, path: str | Path) -> bool:
        """Whether `permit` would let a path through."""
        try:
            self.permit(path)
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
        text = to_local(relative, self.mappings, current_os())
        _check(text)
        given = _native(text)
        below = self._below(project, given) if given.is_absolute() else given
        target = project / below
        if is_service_path(below) or is_service_path(self._real(target)):
            raise self._refused(text)
        return target

    def _below(self, project: Path, path: Path) -> PurePath:
        """What is left of an absolute path below the project, by name or by what is there."""
        if path.is_relative_to(project):
            return path.relative_to(project)
        real, real_project = self._real(path), self._real(project)
        if real.is_relative_to(real_project):
            return real.relative_to(real_project)
        raise self._refused(str(path))

    def _real(self, path: Path) -> Path:
        """Where a path leads; refused if that is outside of every permitted folder."""
        try:
            real = Path(_follow(path))
        except OSError as exc:
            if not any(path.is_relative_to(folder) for folder in self.folders):
                raise self._refused(str(path)) from exc
            raise self._unreachable(path, exc) from exc
        # Folders that look right come first: a share that hangs shall not slow down the others.
        for folder in sorted(self.folders, key=lambda folder: not path.is_relative_to(folder)):
            try:
                root = os.path.realpath(folder, strict=True)
            except OSError:
                continue  # a folder that is not there permits nothing
            if real.is_relative_to(root):
                return real
        if any(path.is_relative_to(folder) and not folder.exists() for folder in self.folders):
            raise FileMissing(path=str(path))  # a permitted folder that is not mounted now
        raise self._refused(str(path))

    def _refused(self, path: str) -> PathNotPermitted:
        return PathNotPermitted(path=path, roots=tuple(map(str, self.folders)))

    def _unreachable(
        self, path: Path, exc: OSError
    ) -> PathInvalid | PathNotPermitted | FileMissing:
        if exc.errno == errno.ELOOP:
            return PathInvalid(path=str(path), reason="its symbolic links lead in a circle")
        if isinstance(exc, PermissionError):
            return self._refused(str(path))
        return FileMissing(path=str(path))


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


def is_service_path(path: PurePath) -> bool:
    """Whether a path is the service's own folder or lies in it.

    Pure. Shares ignore case and trailing dots, macOS ignores invisible characters; so do we.
    """
    return any(_service_name(part) for part in path.parts)


def safe_name(name: str) -> str:
    """A name that we are about to create, as it is, if every operating system can have it.

    Raises:
        PathInvalid: It is empty, too long, reserved on Windows (`CON`), ends in a dot or space,
            has a character that some system refuses, or is the service's own folder.
    """
    _check(name)
    if name in {".", ".."} or _service_name(name):
        raise PathInvalid(path=name, reason="the name is reserved")
    try:
        validate_filename(name, platform="universal", max_len=MAX_NAME_BYTES)
    except ValidationError as exc:
        told = (exc.description or exc.reason.description).partition(" Refer:")[0]
        raise PathInvalid(path=name, reason=told.rstrip(".").lower()) from exc
    return name


def _service_name(name: str) -> bool:
    if SERVICE_FOLDER[1:] not in name.casefold() and name.isascii():
        return False
    visible = "".join(c for c in name if unicodedata.category(c) != "Cf")
    return visible.rstrip(". ").casefold() == SERVICE_FOLDER


def _native(text: str) -> Path:
    """A path below a project, or an absolute one, of this system."""
    here = current_os()
    if here != "windows" and not text.startswith("/"):
        if is_absolute(text, "windows"):
            raise PathNotPermitted(path=text)
        text = text.replace("\\", "/")
    path = Path(text)
    if not path.is_absolute() and path.anchor:
        raise PathInvalid(path=text, reason="it is neither relative nor absolute")
    return path


def _check(text: str) -> None:
    """Refuse what no file can be called, and what tries to climb."""
    reason = _fault(text)
    if reason:
        raise PathInvalid(path=text, reason=reason)


def _fault(text: str) -> str | None:
    """Why a path cannot be used; None if it can."""
    if not text.strip():
        return "it is empty"
    if _CONTROL.search(text):
        return "it has control characters"
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return "it has characters that no file name can have"
    parts = re.split(r"[/\\]", text)
    if size > MAX_PATH_BYTES or any(len(part.encode()) > MAX_NAME_BYTES for part in parts):
        return "it is too long"
    if ".." in parts:
        return "it has `..`"
    if current_os() == "windows" and any(":" in part for part in parts[1:]):
        return "it has a colon"
    return None


def _follow(path: Path) -> str:
    """The real path. What does not exist yet stays as it is written, after its real parent."""
    try:
        return os.path.realpath(path, strict=True)
    except (FileNotFoundError, NotADirectoryError):
        return os.path.realpath(path)  # also follows a link whose target does not exist yet
