"""Thumbnails as they are asked for: found in the cache, or made, or a placeholder; or made ahead.

A file is looked at for every request, in a few threads that are only for that, so that a share
which hangs holds up thumbnails and nothing else. Pictures are decoded in other threads, as many
as there are cores.
"""

from __future__ import annotations

import os
import time
from collections.abc import Container
from pathlib import Path
from typing import Final

import structlog
from attrs import define, field, frozen

from orchestrator.errors import FileChanging, PathInvalid
from orchestrator.gallery.fingerprint import head
from orchestrator.gallery.listing import stat_file
from orchestrator.gallery.media import is_media, media_type
from orchestrator.gallery.reading import reading
from orchestrator.gallery.thumbnails import poster
from orchestrator.gallery.thumbnails.ahead import Ahead
from orchestrator.gallery.thumbnails.disk import LIMIT, DiskCache
from orchestrator.gallery.thumbnails.icons import placeholder
from orchestrator.gallery.thumbnails.identities import Identities
from orchestrator.gallery.thumbnails.lanes import Lanes
from orchestrator.gallery.thumbnails.making import Made, Maker, Source
from orchestrator.gallery.thumbnails.opening import NoPictureError
from orchestrator.gallery.thumbnails.spec import Key, Spec, Why, placeholder_tag
from orchestrator.paths.roots import Roots
from orchestrator.threads import ShareThreads

_log = structlog.stdlib.get_logger(__name__)

#: Threads that look at files, and as many that read them to know their content: they wait for the
#: share more than they work.
LOOKERS: Final = 8
#: A file that could not be shown is not tried again for so long (seconds), unless it changes.
REFUSED_FOR: Final = 60.0
_MOST_REFUSED = 10_000
#: How often a file is looked at that changes while we work on it.
_TRIES = 2


@frozen
class Thumbnail:
    """What a request is answered with."""

    #: Changes whenever the picture does; without quotes.
    tag: str
    #: None if the client has it already.
    data: bytes | None
    #: Why it is a placeholder; None for a picture of the file.
    why: Why | None = None
    #: Whether the file is damaged and only a part of it is shown.
    partial: bool = False


@frozen
class _Look:
    """A file as it is now, and what we have of it."""

    source: Source
    #: None if it must be read to know which content it has.
    key: Key | None = None
    kept: Made | None = None
    #: Known without opening it.
    why: Why | None = None


@define(eq=False)
class Thumbnails:
    """Makes, keeps and finds thumbnails. Belongs to one event loop; close it there."""

    roots: Roots
    #: On local disk; nothing else may be kept there.
    folder: Path
    #: Bytes that are kept.
    limit: int = LIMIT
    #: Pictures that are decoded at once.
    cores: int = field(factory=lambda: os.cpu_count() or 1)
    _disk: DiskCache = field(init=False)
    _lookers: ShareThreads = field(init=False)
    _readers: Lanes[_Look] = field(init=False)
    _makers: Lanes[Made] = field(init=False)
    _ahead: Ahead = field(init=False)
    _maker: Maker = field(factory=Maker)
    _identities: Identities = field(factory=Identities)
    #: What could not be shown, and until when we believe that.
    _refused: dict[Key, tuple[Why, float]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self._disk = DiskCache(self.folder, self.limit)
        self._lookers = ShareThreads("thumbnail-look", LOOKERS)
        self._readers = Lanes("thumbnail-read", LOOKERS)
        self._makers = Lanes("thumbnail-make", self.cores)
        self._ahead = Ahead(self._make_ahead, self._makers.spare)

    async def get(self, path: str, spec: Spec, have: Container[str] = ()) -> Thumbnail:
        """The thumbnail of a picture, or a placeholder.

        Args:
            path: Absolute path of a picture, video or sound.
            spec: Size and format.
            have: Tags that the client has; the answer then has no data.

        Raises:
            PathInvalid, PathNotPermitted: it may not be looked at.
            FileMissing: it is not there.
            FileUnreadable: the share does not let us read it.
            ThumbnailsBusy: too many are waiting.
        """
        for _ in range(_TRIES):
            try:
                return await self._get(path, spec, have, urgent=True)
            except FileChanging:
                continue
        return await self._instead(Why.CHANGING, spec, have)

    def ahead(self, paths: list[str], spec: Spec | None = None, *, viewer: str = "") -> None:
        """Make thumbnails that will be asked for, when there is nothing else to do.

        Args:
            paths: Absolute paths, those that are seen first first; as for `get`.
            spec: Size and format; the usual ones if left out.
            viewer: Who looks at them: what this viewer looked at before is dropped.
        """
        self._ahead.look(paths, spec or Spec(), viewer)

    async def close(self) -> None:
        """Stop. What threads have begun they finish, unless a share holds them."""
        await self._ahead.close()
        self._lookers.close()
        self._readers.close()
        self._makers.close()

    async def _make_ahead(self, path: str, spec: Spec) -> None:
        await self._get(path, spec, (), urgent=False)

    async def _get(self, path: str, spec: Spec, have: Container[str], *, urgent: bool) -> Thumbnail:
        # Never shared: to join an earlier look would be to see the file as it was then.
        look = await self._lookers.run(lambda: self._look(path, spec, have))
        if look.why is not None:
            return await self._instead(look.why, spec, have)
        if look.key is None:
            look = await self._readers.run(
                (look.source, spec), lambda: self._identify(look.source, spec), urgent=urgent
            )
        key, source = look.key, look.source
        assert key is not None  # it has been read
        if key.tag in have:
            return Thumbnail(key.tag, None)
        made = look.kept
        if made is None:
            if (why := self._known_refusal(key)) is not None:
                return await self._instead(why, spec, have)
            try:
                # By file, not by content: if this copy vanishes, who asked for another is not told.
                made = await self._makers.run(
                    (source, spec), lambda: self._make(source, key), urgent=urgent
                )
            except NoPictureError as exc:
                self._refuse(key, source, exc)
                return await self._instead(exc.why, spec, have)
        return Thumbnail(key.tag, made.data, partial=not made.whole)

    # In threads.

    def _look(self, path: str, spec: Spec, have: Container[str]) -> _Look:
        """What a request needs to know of a file that was seen before: one stat, one small read."""
        real = self.roots.permit(path)
        if not is_media(real.name):
            raise PathInvalid(path, "it is no picture, video or sound that a gallery shows")
        with reading(real):
            file = stat_file(real)
        source = Source(real, file.size, file.mtime_ns)
        if (why := _hopeless(source)) is not None:
            return _Look(source, why=why)
        known = self._identities.get(source)
        return _Look(source) if known is None else self._find(source, known, spec, have)

    def _identify(self, source: Source, spec: Spec) -> _Look:
        """The same for a file that must be read to know its content; for all who ask for it."""
        with reading(source.path):
            found = head(source.path, source.size)
            file = stat_file(source.path)
        if (file.size, file.mtime_ns) != (source.size, source.mtime_ns):
            raise FileChanging(str(source.path))
        self._identities.put(source, found)
        return self._find(source, found, spec, ())

    def _find(self, source: Source, found: str, spec: Spec, have: Container[str]) -> _Look:
        key = Key(source.size, found, spec)
        return _Look(source, key, None if key.tag in have else self._disk.read(key))

    def _make(self, source: Source, key: Key) -> Made:
        # Another request may have had it made since this one looked.
        if (kept := self._disk.read(key)) is not None:
            return kept
        with reading(source.path):
            made = self._maker.make(source, key.spec)
        self._disk.write(key, made)
        return made

    # What cannot be shown.

    def _known_refusal(self, key: Key) -> Why | None:
        why, until = self._refused.get(key, (None, 0.0))
        return why if time.monotonic() < until else None

    def _refuse(self, key: Key, source: Source, exc: NoPictureError) -> None:
        if len(self._refused) >= _MOST_REFUSED:
            self._refused.clear()
        self._refused[key] = exc.why, time.monotonic() + REFUSED_FOR
        _log.info("thumbnails.refused", path=str(source.path), why=exc.why.value, reason=str(exc))

    async def _instead(self, why: Why, spec: Spec, have: Container[str]) -> Thumbnail:
        tag = placeholder_tag(why, spec)
        if tag in have:
            return Thumbnail(tag, None, why)
        return Thumbnail(tag, await self._lookers.run(lambda: placeholder(why, spec)), why)


def _hopeless(source: Source) -> Why | None:
    """Why a file need not be opened to know that there is no picture of it."""
    kind = media_type(source.path.name)
    if kind is not None and kind.kind == "audio":
        return Why.AUDIO
    if kind is not None and kind.kind == "video" and not poster.available():
        return Why.VIDEO
    return Why.BROKEN if source.size == 0 else None
