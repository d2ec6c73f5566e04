"""Looking at shares that may never answer: few threads for each share, and a limit of time.

A call into a dead share cannot be broken off. Whoever waits for it can be told, but its thread
hangs until the share answers. So each share has its own few threads: a dead one can hold these,
and nobody else's. They are daemons, so that they do not hold up the end of the service either.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from pathlib import Path, PurePath
from typing import TypeVar
from weakref import WeakValueDictionary

from attrs import define, field

from orchestrator.errors import ShareSilent, TookTooLong
from orchestrator.paths.roots import Roots

T = TypeVar("T")

#: Seconds after which a share counts as silent, for looks at one folder.
LOOK = 10.0
#: Seconds for looks at all that lies below a folder.
SCAN = 120.0
#: Threads that may be inside one permitted folder at a time.
PER_ROOT = 12
#: Threads that may be inside one folder of a permitted folder: under /mnt, each is a share.
PER_FOLDER = 4
#: Threads that may follow links, wherever these lead.
FOLLOWING = 16

#: A limit that a call counts against: its name, and how many calls it lets in.
Lane = tuple[str, int]


@define(eq=False)
class Asker:
    """Whoever waits for the end of long work, which looks now and then whether anybody does."""

    gone: bool = False

    def check(self) -> None:
        """Go on only if somebody waits.

        Raises:
            TookTooLong: nobody does any more, so nobody will see this.
        """
        if self.gone:
            raise TookTooLong


@define(eq=False)
class Lookouts:
    """Runs blocking looks at folders, each share's apart from the others'."""

    roots: Roots
    #: Seconds that a look may take if nobody says otherwise.
    patience: float = LOOK
    #: Kept only as long as somebody holds or awaits one.
    _lanes: WeakValueDictionary[Lane, asyncio.Semaphore] = field(factory=WeakValueDictionary)

    async def look(self, path: str, work: Callable[[], T], seconds: float | None = None) -> T:
        """What `work`, which looks at a path of this host, returns or raises.

        Raises:
            ShareSilent: it took too long, or too many others wait for the same share.
        """
        return await self._run(
            path, lanes_of(path, self.roots.folders), work, seconds or self.patience
        )

    async def scan(self, path: str, work: Callable[[Asker], T], seconds: float = SCAN) -> T:
        """The same for work that takes long: it is told when nobody waits for it any more.

        Raises:
            ShareSilent: it took too long, or too many others wait for the same share.
        """
        asker = Asker()
        try:
            return await self.look(path, lambda: work(asker), seconds)
        finally:
            asker.gone = True

    async def follow(self, folder: str, work: Callable[[], T], seconds: float) -> T:
        """The same for links in a folder, which may lead to any share.

        Raises:
            ShareSilent: it took too long, or too many others wait.
        """
        lanes = (f"links in {folder}", PER_FOLDER), ("links", FOLLOWING)
        return await self._run(folder, lanes, work, seconds)

    async def _run(
        self, path: str, lanes: Iterable[Lane], work: Callable[[], T], seconds: float
    ) -> T:
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                with ExitStack() as held:
                    for lane in lanes:
                        turn = self._lanes.setdefault(lane, asyncio.Semaphore(lane[1]))
                        await turn.acquire()
                        held.callback(turn.release)
                    return await _begin(work, held)
        except TimeoutError as exc:
            if limit.expired():
                raise ShareSilent(path, seconds) from exc
            raise


def lanes_of(path: str, folders: Iterable[Path]) -> tuple[Lane, ...]:
    """The limits that a look at a path counts against: of its permitted folder, and closer.

    Pure: names decide, since following links could hang. What lies in no permitted folder by its
    name shares the lanes of all such paths.
    """
    place = PurePath(path)
    tops = [folder for folder in folders if place.is_relative_to(folder)]
    if not tops:
        return (("elsewhere", PER_FOLDER),)
    top = max(tops, key=lambda folder: len(folder.parts))
    closer = top.joinpath(*place.relative_to(top).parts[:1])
    return (str(closer), PER_FOLDER), (str(top), PER_ROOT)


def _begin(work: Callable[[], T], held: ExitStack) -> asyncio.Future[T]:
    """Start `work` in a thread of its own, which gives back what is held when it ends."""
    loop = asyncio.get_running_loop()
    outcome: Future[T] = Future()
    outcome.set_running_or_notify_cancel()  # nothing can break it off
    taken = held.pop_all()

    def run() -> None:
        try:
            outcome.set_result(work())
        except Exception as exc:  # noqa: BLE001  # handed to whoever asked for it
            outcome.set_exception(exc)
        with suppress(RuntimeError):  # the loop is closed: the service has stopped meanwhile
            loop.call_soon_threadsafe(taken.close)

    try:
        threading.Thread(target=run, name="lookout", daemon=True).start()
    except RuntimeError:  # the system has no more threads
        taken.close()
        raise
    return asyncio.wrap_future(outcome)
