"""An open project: its log, its state, and the one way to change it.

    command -> decide (may refuse) -> append (durable) -> apply (cannot fail)

All methods but those that say so run on the event loop; the tables change nowhere else.
"""

from __future__ import annotations

import asyncio
import gc
import time
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
from events.log.engine import FOLDERS, Engine, Format, FormatError
from events.log.port import (
    HARMLESS,
    Claim,
    Finding,
    Log,
    LogBusyError,
    LogError,
    LogReadOnlyError,
    ShareSilentError,
)
from events.log.skew import Skew
from events.record import Record
from events.registry import MUST_KNOW
from orchestrator import given_up
from orchestrator.commands.deciders import DECIDERS, Command
from orchestrator.commands.locks import NamedLocks
from orchestrator.errors import (
    ChangeTooLarge,
    ChangeUnsettled,
    LogBusy,
    ProjectReadOnly,
    ProjectUnreadable,
    ShareMissing,
    ShareSilent,
)
from orchestrator.gallery.promises import Promises
from orchestrator.host import Host
from orchestrator.reader_thread import ReaderThread
from orchestrator.threads import LoopInbox, ShareThreads
from projections.catalogue import empty_tables
from projections.fold import Tables, state_hash
from projections.project import ProjectView, seen_stamp

_log = structlog.get_logger(__name__)

#: A request waits so long for the share before it is told that nothing is certain.
SETTLE_SECONDS = 30.0
#: The first change waits so long for the clock to be compared with the share's.
CLOCK_SECONDS = 5.0
#: A clock that moves so far against one that never jumps was set (seconds).
JUMP_SECONDS = 5.0
#: Whoever wants to know what other hosts wrote waits so long for the share.
FOLLOW_SECONDS = 30.0
#: A share that lets us wait for so long at the end of the service is left alone.
HUNG_SECONDS = 5.0
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
    log: Log | None
    #: Where its log is kept.
    engine: Engine = FOLDERS
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
    #: Logs that do not hold what other hosts say they have read of them.
    doubts: tuple[Finding, ...] = ()
    #: Whether lines were given up that are part of our state: it must be built anew.
    outdated: bool = False
    #: Why this host must not write here though the log could take it; None if it may.
    barred: str | None = None
    #: Reads the log, and nothing else.
    reader: ReaderThread = field(factory=lambda: ReaderThread("reader"))
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
    #: Compares our clock with the share's.
    _measuring: asyncio.Task[None] | None = None
    #: Those who wait for that take turns; and how many they are.
    _minding: asyncio.Lock = field(factory=asyncio.Lock)
    _minding_waits: int = 0
    #: Until when they wait, by the clock that never jumps.
    _measured_by: float = 0.0
    wall: Callable[[], float] = time.time
    #: A clock that never jumps; and how far the wall clock was ahead of it when it was compared.
    monotonic: Callable[[], float] = time.monotonic
    _wall_lead: float = 0.0

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
        unwritable = None if self.log is None else self.log.unwritable
        return self.ailment or self.barred or unwritable or self.clock_fault

    @property
    def ailment(self) -> str | None:
        """Why nothing can be changed, if that may be over once the project is opened anew."""
        if self.away:
            return "its .gallery/FORMAT is gone; the share is probably not mounted"
        if self.outdated:
            return "lines of its log were given up; it is read anew without them"
        if self.log is not None and self.log.unwritable is not None:
            return None  # that is looked at again and again
        return None if self.log is None else self.log.read_only

    @property
    def skew(self) -> Skew | None:
        """How far our clock is from the share's; None until it is measured."""
        return None if self.log is None else self.log.skew

    @property
    def clock_fault(self) -> str | None:
        """Why our clock forbids changes; None if it does not."""
        if self.skew is None or not self.skew.is_beyond:
            return None
        return (
            f"the clock of this computer is {self.skew}, and others would take its edits for newer "
            "or older than they are. Set it right (let it be set by NTP); it is looked at again "
            "every minute"
        )

    def findings(self) -> tuple[Finding, ...]:
        """What of the log was left out, and why."""
        return () if self.log is None else (*self.log.findings(), *self.doubts)

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
        self._refuse_if_barred()
        held = await self._locks.take(command.keys())
        try:
            item = self._decide(command, actor, correlation)
            if item is None:
                self._locks.give_back(held)
                return []
            log = self.log or await self._create()
            unknown = log.skew is None or log.skew.is_beyond or self.clock_was_set()
            if unknown or self._minding_waits:
                await self._mind_the_clock()
        except BaseException:
            self._locks.give_back(held)
            raise
        return await self._hand_in(log, item, held)

    async def measure_clock(self) -> None:
        """Compare our clock with the share's; one that does not answer changes nothing."""
        if self.log is None:
            return
        self._wall_lead = self.wall() - self.monotonic()
        try:
            await asyncio.to_thread(self.log.measure_clock)
        except LogError as exc:
            _log.info("clock.not_measured", project=str(self.root), reason=str(exc))

    def clock_was_set(self) -> bool:
        """Whether our clock jumped since it was last compared: nobody knows where it is now."""
        lead = self.wall() - self.monotonic()
        return abs(lead - self._wall_lead) > JUMP_SECONDS

    async def _mind_the_clock(self) -> None:
        """Before the first change, and after our clock was set, see whether it can be trusted.

        Raises:
            ProjectReadOnly: it cannot.
        """
        self._minding_waits += 1
        try:
            async with self._minding:  # changes keep their order
                if self._measuring is None or (self._measuring.done() and self.clock_was_set()):
                    self._measuring = asyncio.create_task(self.measure_clock())
                    self._measured_by = self.monotonic() + CLOCK_SECONDS
                # A share that hangs says nothing of clocks; the change itself will be told.
                left = self._measured_by - self.monotonic()
                if not self._measuring.done() and left > 0:
                    await asyncio.wait({self._measuring}, timeout=left)
        finally:
            self._minding_waits -= 1
        if (fault := self.clock_fault) is not None:
            raise ProjectReadOnly(str(self.root), fault)

    async def claim(self, kind: str, key: str) -> Claim | None:
        """Claim what only one host shall do at a time; None if another host has it.

        A project without a log gets one: who claims something is about to write.

        Raises:
            OrchestratorError: the project cannot be changed now.
        """
        self._refuse_if_barred()
        log = self.log or await self._create()
        await self._mind_the_clock()
        asked = asyncio.create_task(asyncio.to_thread(log.claim, kind, key))
        try:
            return await asyncio.shield(asked)
        except asyncio.CancelledError:
            asked.add_done_callback(_give_back)
            raise
        except LogError as exc:
            raise self._refusal(exc) from exc

    async def claimant(self, kind: str, key: str) -> str | None:
        """The host that claimed something last.

        Raises:
            ProjectUnreadable: the share does not answer.
        """
        if self.log is None:
            return None
        try:
            return await asyncio.to_thread(self.log.claimant, kind, key)
        except LogError as exc:
            raise self._refusal(exc) from exc

    async def silence(self, host: str) -> float | None:
        """Seconds since anything was heard of a host in this project; None if it never was.

        Raises:
            ProjectUnreadable: the share does not answer.
        """
        if self.log is None:
            return None
        try:
            return await asyncio.to_thread(self.log.silence, host)
        except LogError as exc:
            raise self._refusal(exc) from exc

    def _refuse_if_barred(self) -> None:
        """Refuse what must not be written here now, before anything is decided.

        Raises:
            ShareMissing: the log is not where it should be.
            ProjectReadOnly: this host must not write here.
        """
        if self.away:
            raise ShareMissing(str(self.root))
        if self.barred is not None:
            raise ProjectReadOnly(str(self.root), self.barred)

    def _hand_in(
        self, log: Log, item: Draft, held: tuple[str, ...]
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

    def _gather(self, log: Log, gathered: int, turns: int) -> None:
        """Hand over once a turn of the loop has brought no more, or after some turns.

        Requests of many clients come over several turns; none of these turns is spent waiting.
        """
        if turns and len(self._outbox) > gathered:
            loop = asyncio.get_running_loop()
            loop.call_soon(self._gather, log, len(self._outbox), turns - 1)
        else:
            self._hand_over(log)

    def _hand_over(self, log: Log) -> None:
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
            case ShareSilentError(reason=reason):
                return ProjectUnreadable(str(self.root), reason)
            case _:
                return fault

    async def drain(self) -> None:
        """Return when all changes that were begun before have been applied, or have failed."""
        if self._unsettled:
            drained: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._drains.append((self._begun, drained))
            await drained

    async def _create(self) -> Log:
        """The first edit makes the log; the folder itself must be there already."""
        async with self._opening:
            if self.log is None:
                try:
                    made = await asyncio.to_thread(self.engine.create, self.root)
                except FormatError as exc:
                    raise ProjectUnreadable(str(self.root), str(exc)) from exc
                except OSError as exc:
                    raise ProjectReadOnly(str(self.root), f"no log can be made: {exc}") from exc
                log = self._open_log(made)
                await asyncio.to_thread(self.on_created, made.project)
                self.log = log
                self._refuse_if_barred()  # a copy was put here a moment ago
            return self.log

    def apply(self, records: list[Record]) -> None:
        """Fold records in, and tell the listeners."""
        self.tables.apply(records)
        if self.log is not None and given_up.pass_over(self.log, records):
            self.outdated = True
        self._since_checkpoint += len(records)
        for listener in self.listeners:
            try:
                listener(self, records)
            except Exception:  # noqa: BLE001  # told in full
                # What happened has happened: who merely listens must not leave locks behind.
                _log.exception("project.listener_failed", project=str(self.root))

    async def follow(self, *, look_around: bool = True) -> int:
        """Read on: what other hosts have written since. Returns the number of new records.

        It also looks for new writers, and whether the log is still where it was: a share that is
        unmounted, or a folder that is moved away, would take what we append with it. Without
        `look_around` it only reads on in what is known: that is cheaper.

        Raises:
            ShareSilent: it takes too long. What was begun goes on, and is applied in the end.
            ProjectUnreadable: FORMAT forbids reading, or the share does not answer.
        """
        try:
            async with asyncio.timeout(FOLLOW_SECONDS) as limit:
                await self._reading.acquire()
                reading = asyncio.create_task(self._read_on(look_around))
                reading.add_done_callback(self._has_read)
                # What was read counts as read: it must be applied, whoever has gone meanwhile.
                return await asyncio.shield(reading)
        except TimeoutError as exc:
            if limit.expired():
                raise ShareSilent(str(self.root), FOLLOW_SECONDS) from exc
            raise

    def _has_read(self, reading: asyncio.Task[int]) -> None:
        self._reading.release()
        if not reading.cancelled():
            reading.exception()  # told to whoever waited, if anybody did

    async def _read_on(self, look_around: bool) -> int:
        if look_around or self.away:
            found = await self.reader.run(lambda: _find(self.engine, self.root))
            if self.log is None and found is None:
                return 0
            if self.log is None:
                assert found is not None  # see above
                await self._appear(found)
            assert self.log is not None  # see above
            self.away = found is None or found.project != self.log.project
        log, count = self.log, 0
        if log is None or self.away:
            return 0
        batches = log.read(look_around=look_around)
        while (batch := await self.reader.run(lambda: next(batches, None))) is not None:
            self.apply(batch)
            count += len(batch)
        return count

    async def _appear(self, found: Format) -> None:
        """Another host has made the log."""
        await asyncio.to_thread(self.on_created, found.project)
        async with self._opening:
            self.log = self.log or self._open_log(found)

    def _open_log(self, found: Format) -> Log:
        mirror = mirror_folder(self.cache, found.project)
        return self.engine.open(self.root, found, self.host.id, mirror=mirror)

    async def checkpoint(self, least: int = CHECKPOINT_EVERY) -> bool:
        """Save the state on local disk, if at least `least` records came since the last time.

        Positions are taken first, and everything that was durable then is applied before the
        tables are copied. So the state holds all that the positions claim, perhaps more; more is
        harmless, since reading a record twice changes nothing.
        """
        log = self.log
        if log is None or self.outdated or self._since_checkpoint < max(least, 1):
            return False
        if any(name.startswith(MUST_KNOW) for name in self.tables.unknown):
            # The log forbids writing because of a record that we do not understand. It must see
            # that record again at the next start, and not be led past it.
            return False
        try:
            async with asyncio.timeout(HUNG_SECONDS):
                await self._reading.acquire()
        except TimeoutError:
            return False  # the share hangs
        try:
            positions = log.positions()
            await self.drain()
            snapshot, self._since_checkpoint = self.tables.copy(), 0
        finally:
            self._reading.release()

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
        self.reader.close()
        if self._measuring is not None:
            self._measuring.cancel()
        if self.log is not None:
            await asyncio.to_thread(self.log.close)
        self.share.close()


def _give_back(asked: asyncio.Task[Claim | None]) -> None:
    """Nobody waits for a claim any more: let others have it."""
    if not asked.cancelled() and asked.exception() is None and (claim := asked.result()):
        asyncio.get_running_loop().run_in_executor(None, claim.release)


def _find(engine: Engine, root: Path) -> Format | None:
    """What is said of the log of the project in a folder; None if it has none.

    Raises:
        ProjectUnreadable: it must not be used, is damaged, or the share does not answer.
    """
    try:
        return engine.find(root)
    except FormatError as exc:
        raise ProjectUnreadable(str(root), str(exc)) from exc
    except OSError as exc:
        raise ProjectUnreadable(str(root), f"the share does not answer: {exc}") from exc


def _refuse_orphans(engine: Engine, root: Path) -> None:
    try:
        engine.refuse_orphans(root)
    except FormatError as exc:
        raise ProjectUnreadable(str(root), str(exc)) from exc
    except OSError as exc:
        raise ProjectUnreadable(str(root), f"the share does not answer: {exc}") from exc


def project_id(root: Path, engine: Engine = FOLDERS) -> str | None:
    """The id of the project in a folder; None if nobody has edited anything there. Blocks.

    Raises:
        ProjectUnreadable: its FORMAT forbids reading, or the share does not answer.
    """
    found = _find(engine, root)
    return None if found is None else found.project


def mirror_folder(cache: Path, project: str) -> Path:
    """Where a host keeps its copy of a project's log."""
    return cache / project / "mirror"


def open_project(
    root: Path, host: Host, cache: Path, code: str, engine: Engine = FOLDERS
) -> Project:
    """Read a project's log and build its state. Creates nothing. Blocks; call it in a thread.

    Raises:
        ProjectUnreadable: its FORMAT forbids reading, or the share does not answer.
    """
    assert vocabulary.FAMILIES  # all event types are registered by that import
    found = _find(engine, root)
    if found is None:
        _refuse_orphans(engine, root)
        return Project(root, host, cache, code, empty_tables(), None, engine=engine)
    tables = empty_tables()
    start = None
    with gc_paused():
        for checkpoint in CheckpointStore(cache / found.project, code).load():
            if engine.proves(root, checkpoint.positions):
                tables.load(checkpoint.state)
                start = checkpoint.positions
                break
        mirror = mirror_folder(cache, found.project)
        log = engine.open(root, found, host.id, start=start, mirror=mirror)
        given_up.tell(log, tables)
        replayed, outdated = given_up.replay(log, tables)
        while outdated:
            # Once more from the begin, with all gaps known before anything is read.
            known, tables = tables, empty_tables()
            log = engine.open(root, found, host.id, start=None, mirror=mirror)
            given_up.tell(log, known)
            replayed, outdated = given_up.replay(log, tables)
    project = Project(root, host, cache, code, tables, log, engine=engine)
    project._since_checkpoint = replayed
    return project
