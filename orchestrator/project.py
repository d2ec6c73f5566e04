"""An open project: its log, its state, and the one way to change it.

    command -> decide (may refuse) -> append (durable) -> apply (cannot fail)

All methods but those that say so run on the event loop; the tables change nowhere else.
"""

from __future__ import annotations

import asyncio
import gc
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path

import structlog
from attrs import define, field

import events
import projections
from events import vocabulary
from events.codec import Draft, UnloggableError, draft
from events.log.checkpoint import CheckpointStore
from events.log.disk_io import DiskIO
from events.log.folder import FolderLog, proves
from events.log.format_file import Format, FormatError, create, load
from events.log.port import HARMLESS, Finding, LogBusyError, LogError, LogReadOnlyError
from events.record import Record
from events.registry import MUST_KNOW
from orchestrator.commands.deciders import DECIDERS, Command
from orchestrator.commands.locks import NamedLocks
from orchestrator.errors import (
    ChangeTooLarge,
    ChangeUnsettled,
    LogBusy,
    ProjectReadOnly,
    ProjectUnreadable,
    ShareMissing,
)
from orchestrator.gallery.promises import Promises
from orchestrator.host import Host
from orchestrator.threads import LoopInbox, ShareThreads
from projections.catalogue import empty_tables
from projections.fold import Tables, state_hash
from projections.project import ProjectView, seen_stamp

_log = structlog.get_logger(__name__)

#: A request waits so long for the share before it is told that nothing is certain.
SETTLE_SECONDS = 30.0
#: Changes are gathered over so many turns of the event loop, as long as each brings more.
GATHER_TURNS = 8
#: Replaying more records than this is worth a checkpoint.
CHECKPOINT_EVERY = 20_000

Listener = Callable[["Project", list[Record]], None]
#: Told of a group of changes once it is durable or has failed: seconds since the first of them was
#: handed in, how many they are, and whether they failed.
SettleListener = Callable[[float, int, bool], None]


@contextmanager
def gc_paused() -> Iterator[None]:
    """Replay makes many objects that all stay; looking for garbage takes half its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@cache
def code_version() -> str:
    """A name for the code that folds: checkpoints of other code are not used."""
    digest = sha256()
    for package in (events, projections):
        for path in sorted(Path(str(package.__file__)).parent.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@define(eq=False)  # not frozen: one is made for every change, and freezing costs
class _Change:
    """A decided change on its way through the log and back."""

    number: int
    #: When, by the loop's clock.
    begun: float
    item: Draft
    #: The locks it holds.
    held: tuple[str, ...]
    outcome: asyncio.Future[list[Record]]


@define(eq=False)
class Project:
    """One project folder, open in this service."""

    root: Path
    host: Host
    #: Local folder for checkpoints of all projects, by project id.
    cache: Path
    code: str
    tables: Tables
    log: FolderLog | None
    #: Questions about the current state.
    view: ProjectView = field(init=False)
    listeners: list[Listener] = field(factory=list)
    #: Called with the project's id once its log exists.
    on_created: Callable[[str], None] = lambda _project: None
    on_settled: SettleListener = lambda _seconds, _changes, _failed: None
    _locks: NamedLocks = field(factory=NamedLocks)
    _opening: asyncio.Lock = field(factory=asyncio.Lock)
    _reading: asyncio.Lock = field(factory=asyncio.Lock)
    #: Whether the log was not where it should be when we last looked.
    away: bool = False
    #: Small looks at the project's files.
    share: ShareThreads = field(factory=lambda: ShareThreads("share"))
    #: Names that files are about to get.
    promises: Promises = field(factory=Promises)
    #: Number of the last change that was begun; those not yet applied, in order.
    _begun: int = 0
    _unsettled: dict[int, _Change] = field(factory=dict)
    #: Changes of this turn of the loop, on their way to the log.
    _outbox: list[_Change] = field(factory=list)
    #: (number, who waits until all changes up to it are settled), in order.
    _drains: deque[tuple[int, asyncio.Future[None]]] = field(factory=deque)
    _inbox: LoopInbox | None = None
    #: Wakes when the oldest change has been on its way for too long.
    _watch: asyncio.TimerHandle | None = None
    _since_checkpoint: int = 0

    @view.default
    def _view_of_tables(self) -> ProjectView:
        return ProjectView(self.tables)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.root.name

    @property
    def read_only(self) -> str | None:
        """Why nothing can be changed here; None if it can."""
        if self.away:
            return "its .gallery/FORMAT is gone; the share is probably not mounted"
        return None if self.log is None else self.log.read_only

    def findings(self) -> tuple[Finding, ...]:
        """What of the log was left out, and why."""
        return () if self.log is None else self.log.findings()

    def alarms(self) -> tuple[Finding, ...]:
        """Those of the findings that do not go away by themselves."""
        return tuple(finding for finding in self.findings() if finding.kind not in HARMLESS)

    async def change(
        self, command: Command, actor: str, correlation: str | None = None
    ) -> list[Record]:
        """Carry out a command: decide, append, apply. Returns what was recorded, if anything.

        Once appended, a change is applied even if whoever asked for it has hung up.

        Raises:
            OrchestratorError: the command was refused, or the log cannot take it now.
        """
        if self.away:
            raise ShareMissing(str(self.root))
        held = await self._locks.take(command.keys())
        try:
            item = self._decide(command, actor, correlation)
            if item is None:
                self._locks.give_back(held)
                return []
            log = self.log or await self._create()
        except BaseException:
            self._locks.give_back(held)
            raise
        return await self._hand_in(log, item, held)

    def _hand_in(
        self, log: FolderLog, item: Draft, held: tuple[str, ...]
    ) -> asyncio.Future[list[Record]]:
        """Put a change with the others of this turn of the loop; they go to the log together.

        The log's thread would otherwise wake for each of them, and fight with the loop for the
        interpreter; so it finds many at once, and writes them at once.
        """
        loop = asyncio.get_running_loop()
        self._begun += 1
        change = _Change(self._begun, loop.time(), item, held, loop.create_future())
        self._unsettled[change.number] = change
        if not self._outbox:
            loop.call_soon(self._gather, log, 0, GATHER_TURNS)
        self._outbox.append(change)
        if self._watch is None:
            self._watch = loop.call_later(SETTLE_SECONDS, self._tell_late)
        return change.outcome

    def _gather(self, log: FolderLog, gathered: int, turns: int) -> None:
        """Hand over once a turn of the loop has brought no more, or after some turns.

        Requests of many clients come over several turns; none of these turns is spent waiting.
        """
        if turns and len(self._outbox) > gathered:
            loop = asyncio.get_running_loop()
            loop.call_soon(self._gather, log, len(self._outbox), turns - 1)
        else:
            self._hand_over(log)

    def _hand_over(self, log: FolderLog) -> None:
        inbox = self._inbox = self._inbox or LoopInbox(asyncio.get_running_loop())
        changes, self._outbox = self._outbox, []
        try:
            appended = log.append(*[change.item for change in changes])
        except LogError as exc:
            self._settle(changes, [], exc)
            return

        def bring_back(appended: Future[list[Record]]) -> None:  # in the log's thread
            fault = appended.exception()
            records = [] if fault else appended.result()
            inbox.put(lambda: self._settle(changes, records, fault))

        appended.add_done_callback(bring_back)

    def _tell_late(self) -> None:
        """Tell those who have waited too long that nothing is certain."""
        loop = asyncio.get_running_loop()
        self._watch = None
        for change in self._unsettled.values():
            if change.begun + SETTLE_SECONDS > loop.time():
                self._watch = loop.call_at(change.begun + SETTLE_SECONDS, self._tell_late)
                return
            if not change.outcome.done():
                change.outcome.set_exception(ChangeUnsettled(str(self.root), SETTLE_SECONDS))

    def _decide(self, command: Command, actor: str, correlation: str | None) -> Draft | None:
        view = self.view
        told = DECIDERS[type(command)](view, command)
        if not told:
            return None
        stamps = [stamp for event in told if (stamp := seen_stamp(view, event)) is not None]
        try:
            return draft(told, actor, correlation, max(stamps) if stamps else None)
        except UnloggableError as exc:
            raise ChangeTooLarge(str(exc)) from exc

    def _settle(
        self, changes: list[_Change], records: list[Record], fault: BaseException | None
    ) -> None:
        """Changes are durable, or have failed: apply them, and tell whoever still waits."""
        if fault is None:
            self.apply(records)
        took = asyncio.get_running_loop().time() - changes[0].begun
        self.on_settled(took, len(changes), fault is not None)
        begin = 0
        for change in changes:
            end = begin + len(change.item.events)
            self._locks.give_back(change.held)
            del self._unsettled[change.number]
            self._answer(change.outcome, records[begin:end], fault)
            begin = end
        oldest = next(iter(self._unsettled), self._begun + 1)
        while self._drains and self._drains[0][0] < oldest:
            self._drains.popleft()[1].set_result(None)
        if self._watch is not None and not self._unsettled:
            self._watch.cancel()
            self._watch = None

    def _answer(
        self,
        outcome: asyncio.Future[list[Record]],
        records: list[Record],
        fault: BaseException | None,
    ) -> None:
        if outcome.done():
            failed = None if fault is None else str(fault)
            _log.info("change.settled_unseen", project=str(self.root), failed=failed)
        elif fault is None:
            outcome.set_result(records)
        else:
            outcome.set_exception(self._refusal(fault))

    def _refusal(self, fault: BaseException) -> BaseException:
        """A fault of the log as clients are told of it."""
        match fault:
            case LogBusyError(waiting=waiting):
                return LogBusy(waiting)
            case LogReadOnlyError(reason=reason):
                return ProjectReadOnly(str(self.root), reason)
            case _:
                return fault

    async def drain(self) -> None:
        """Return when all changes that were begun before have been applied, or have failed."""
        if self._unsettled:
            drained: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._drains.append((self._begun, drained))
            await drained

    async def _create(self) -> FolderLog:
        """The first edit makes the log; the folder itself must be there already."""
        async with self._opening:
            if self.log is None:
                try:
                    made = await asyncio.to_thread(create, self.root / ".gallery", DiskIO())
                except FormatError as exc:
                    raise ProjectUnreadable(str(self.root), str(exc)) from exc
                except OSError as exc:
                    raise ProjectReadOnly(str(self.root), f"no log can be made: {exc}") from exc
                log = FolderLog(self.root / ".gallery", made, self.host.id)
                await asyncio.to_thread(self.on_created, made.project)
                self.log = log
            return self.log

    def apply(self, records: list[Record]) -> None:
        """Fold records in, and tell the listeners."""
        self.tables.apply(records)
        self._since_checkpoint += len(records)
        for listener in self.listeners:
            try:
                listener(self, records)
            except Exception:  # noqa: BLE001  # told in full
                # What happened has happened: who merely listens must not leave locks behind.
                _log.exception("project.listener_failed", project=str(self.root))

    async def follow(self) -> int:
        """Read on: what other hosts have written since. Returns the number of new records.

        It also looks whether the log is still where it was: a share that is unmounted, or a
        folder that is moved away, would take what we append with it.
        """
        count = 0
        async with self._reading:
            found = await asyncio.to_thread(_load_format, self.root)
            if self.log is None and found is None:
                return 0
            if self.log is None:
                assert found is not None  # see above
                await asyncio.to_thread(self.on_created, found.project)
                async with self._opening:
                    self.log = self.log or FolderLog(self.root / ".gallery", found, self.host.id)
            self.away = found is None or found.project != self.log.project
            if self.away:
                return 0
            batches = self.log.read()
            while (batch := await asyncio.to_thread(next, batches, None)) is not None:
                self.apply(batch)
                count += len(batch)
        return count

    async def checkpoint(self, least: int = CHECKPOINT_EVERY) -> bool:
        """Save the state on local disk, if at least `least` records came since the last time.

        Positions are taken first, and everything that was durable then is applied before the
        tables are copied. So the state holds all that the positions claim, perhaps more; more is
        harmless, since reading a record twice changes nothing.
        """
        log = self.log
        if log is None or self._since_checkpoint < max(least, 1):
            return False
        if any(name.startswith(MUST_KNOW) for name in self.tables.unknown):
            # The log forbids writing because of a record that we do not understand. It must see
            # that record again at the next start, and not be led past it.
            return False
        async with self._reading:
            positions = log.positions()
            await self.drain()
            snapshot, self._since_checkpoint = self.tables.copy(), 0

        def save() -> None:
            packed = snapshot.pack()
            store = CheckpointStore(self.cache / log.project, self.code)
            store.save(positions, packed, state_hash(packed))

        try:
            await asyncio.to_thread(save)
        except OSError as exc:
            # A checkpoint saves time, never data; the next start replays instead.
            _log.warning("checkpoint.failed", project=str(self.root), error=str(exc))
            return False
        return True

    async def close(self) -> None:
        """Finish all changes, save a checkpoint, and close the log."""
        await self.drain()
        await self.checkpoint(least=1)
        if self.log is not None:
            await asyncio.to_thread(self.log.close)
        self.share.close()


def _load_format(root: Path) -> Format | None:
    """FORMAT of a project folder.

    Raises:
        ProjectUnreadable: it forbids reading, is damaged, or the share does not answer.
    """
    try:
        return load(root / ".gallery")
    except FormatError as exc:
        raise ProjectUnreadable(str(root), str(exc)) from exc
    except OSError as exc:
        raise ProjectUnreadable(str(root), f"the share does not answer: {exc}") from exc


def open_project(root: Path, host: Host, cache: Path, code: str) -> Project:
    """Read a project's log and build its state. Creates nothing. Blocks; call it in a thread.

    Raises:
        ProjectUnreadable: its FORMAT forbids reading, or the share does not answer.
    """
    assert vocabulary.FAMILIES  # all event types are registered by that import
    found = _load_format(root)
    if found is None:
        return Project(root, host, cache, code, empty_tables(), None)
    gallery = root / ".gallery"
    tables = empty_tables()
    start = None
    with gc_paused():
        for checkpoint in CheckpointStore(cache / found.project, code).load():
            if proves(gallery, checkpoint.positions):
                tables.load(checkpoint.state)
                start = checkpoint.positions
                break
        log = FolderLog(gallery, found, host.id, start=start)
        replayed = 0
        for records in log.read():
            tables.apply(records)
            replayed += len(records)
    project = Project(root, host, cache, code, tables, log)
    project._since_checkpoint = replayed
    return project
