"""Hypothesis strategies: histories as hosts write them, with clocks that halt or jump back."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from events.assets import AssetChanged, AssetId, AssetMoved, AssetRelinked, AssetSeen
from events.backends import (
    BackendConfigured,
    BackendPaused,
    BackendRemoved,
    BackendResumed,
)
from events.curation import (
    AssetNoted,
    AssetRated,
    AssetTagged,
    AssetUntagged,
    TagDefined,
    TagDeleted,
    TagId,
)
from events.edits import EditsUndone
from events.files import FilesDone, FilesFailed, FilesIntended, FilesPlanned, FilesSettled
from events.groups import GroupCancelRequested, GroupCreated, GroupId
from events.hosts import HostAdopted
from events.imports import FileArrived, FileAwaited, ProjectImported
from events.jobs import (
    JobCancelled,
    JobCancelRequested,
    JobFailed,
    JobHeld,
    JobId,
    JobOrdered,
    JobOutputStored,
    JobQueued,
    JobReleased,
    JobRendered,
    JobRequeued,
    JobStarted,
    JobSubmitted,
    JobSucceeded,
)
from events.mappings import MappingRemoved, MappingSet
from events.record import Record
from events.registry import Unknown
from events.stamp import HybridClock, stamp
from events.states import ProjectSaved
from events.trash import FilePurged, FileRestored, FileTrashed, TrashId
from events.views import ViewDeleted, ViewSaved
from events.webhooks import WebhookSettled
from events.witness import LogGap, LogMarked

_assets = st.sampled_from([AssetId("a" * 32), AssetId("b" * 32)])
_paths = st.sampled_from(["Panel_01/a.png", "Panel_01/b.png", "Panel_02/ü.png"])
_tags = st.sampled_from([TagId("hero"), TagId("todo")])
_jobs = st.sampled_from([JobId("job-1"), JobId("job-2")])
_groups = st.sampled_from([GroupId("g-1"), GroupId("g-2")])
_ops = st.sampled_from(["op-1", "op-2"])
_trash = st.sampled_from([TrashId("t-1"), TrashId("t-2")])
_attempts = st.integers(1, 3)
_numbers = st.integers(0, 3)
_words = st.sampled_from(["x", "y"])
_heads = st.sampled_from(["h1", "h2"])

_events = st.one_of(
    st.builds(AssetSeen, asset=_assets, path=_paths, size=_numbers, mtime=_numbers, head=_heads),
    st.builds(AssetChanged, asset=_assets, path=_paths, size=_numbers, mtime=_numbers, head=_heads),
    st.builds(AssetMoved, asset=_assets, source=_paths, path=_paths, op=_ops),
    st.builds(
        AssetRelinked,
        asset=_assets,
        source=_paths,
        path=_paths,
        size=_numbers,
        mtime=_numbers,
        head=_heads,
        reason=_words,
    ),
    st.builds(AssetRated, asset=_assets, stars=st.integers(0, 5)),
    st.builds(AssetTagged, asset=_assets, tag=_tags),
    st.builds(AssetUntagged, asset=_assets, tag=_tags),
    st.builds(AssetNoted, asset=_assets, note=st.sampled_from(["", "x", "y"])),
    st.builds(TagDefined, tag=_tags, name=_words, color=_words),
    st.builds(TagDeleted, tag=_tags),
    st.builds(ViewSaved, name=_words, settings=st.fixed_dictionaries({"sort": _words})),
    st.builds(ViewDeleted, name=_words),
    st.builds(
        FileTrashed,
        trash=_trash,
        path=_paths,
        name=_words,
        size=_numbers,
        mtime=_numbers,
        asset=st.none() | _assets,
        sidecars=st.sampled_from([(), ("x.json",)]),
        op=_ops,
    ),
    st.builds(FileRestored, trash=_trash, path=_paths, asset=st.none() | _assets, op=_ops),
    st.builds(
        FilePurged,
        trash=_trash,
        path=_paths,
        name=_words,
        size=_numbers,
        head=_heads,
        asset=st.none() | _assets,
        op=_ops,
    ),
    st.builds(
        FilesPlanned,
        op=_ops,
        action=_words,
        steps=st.tuples(st.fixed_dictionaries({"from": _paths, "to": _paths})),
    ),
    st.builds(FilesSettled, op=_ops),
    st.builds(EditsUndone, undo=_words, of=st.sampled_from([(), ("e-1",), ("e-1", "e-2")])),
    st.builds(
        FilesIntended,
        op=_ops,
        action=st.just("store"),
        source=_words,
        to=_paths,
        size=_numbers,
        sha256=_words,
        job=_jobs,
        attempt=_attempts,
        node=_words,
        index=_numbers,
        kind=st.just("images"),
        original=_words,
    ),
    st.builds(FilesDone, op=_ops),
    st.builds(FilesFailed, op=_ops, error=_words),
    st.builds(
        JobQueued,
        job=_jobs,
        workflow=st.just({"1": {"class_type": "X", "inputs": {}}}),
        naming_template=_words,
        capabilities=st.sampled_from([(), ("flux",)]),
    ),
    st.builds(JobSubmitted, job=_jobs, attempt=_attempts, backend=_words, prompt_id=_words),
    st.builds(JobStarted, job=_jobs, attempt=_attempts),
    st.builds(JobRendered, job=_jobs, attempt=_attempts, outputs=_numbers),
    st.builds(
        JobOutputStored,
        job=_jobs,
        attempt=_attempts,
        node=_words,
        index=_numbers,
        kind=st.just("images"),
        asset=_assets,
        path=_paths,
        size=_numbers,
        sha256=_words,
        extra=st.booleans(),
    ),
    st.builds(
        JobRequeued,
        job=_jobs,
        attempt=_attempts,
        reason=_words,
        sent=st.booleans(),
        kind=_words,
        adrift=st.booleans(),
    ),
    st.builds(JobOrdered, job=_jobs, priority=_numbers, rank=st.none() | st.floats(0, 9)),
    st.builds(JobHeld, job=_jobs),
    st.builds(JobReleased, job=_jobs),
    st.builds(
        GroupCreated,
        group=_groups,
        jobs=st.lists(_jobs).map(tuple),
        seed_strategy=st.none() | _words,
        base_seed=st.none() | _numbers,
        metadata=st.just({"panel": "1"}),
        timeout_seconds=st.none() | st.floats(1, 9),
    ),
    st.builds(GroupCancelRequested, group=_groups),
    st.builds(
        BackendConfigured,
        backend=_words,
        name=_words,
        host=_words,
        port=_numbers,
        enabled=st.booleans(),
        capabilities=st.lists(_words).map(tuple),
        max_concurrent_jobs=_numbers,
        draining=st.booleans(),
        file=st.none() | st.just({"name": "x"}),
    ),
    st.builds(BackendRemoved, backend=_words, file=st.none() | st.just({"name": "x"})),
    st.builds(BackendPaused, backend=_words, reason=_words, jobs=st.lists(_jobs).map(tuple)),
    st.builds(BackendResumed, backend=_words, reason=_words),
    st.builds(
        MappingSet,
        mapping=_words,
        name=_words,
        windows=_words,
        linux=_paths,
        macos=_paths,
        enabled=st.booleans(),
        file=st.none() | st.just({"name": "x"}),
    ),
    st.builds(MappingRemoved, mapping=_words, file=st.none() | st.just({"name": "x"})),
    st.builds(
        WebhookSettled,
        job=_jobs,
        url=_words,
        delivered=st.booleans(),
        tries=_numbers,
        error=st.none() | _words,
    ),
    st.builds(JobCancelRequested, job=_jobs),
    st.builds(JobCancelled, job=_jobs),
    st.builds(JobSucceeded, job=_jobs, attempt=_attempts),
    st.builds(JobFailed, job=_jobs, reason=_words, kind=_words),
    st.builds(
        ProjectImported,
        source=_words,
        size=_numbers,
        head=_heads,
        counts=st.fixed_dictionaries({"ratings": _numbers}),
        left_out=_numbers,
    ),
    st.builds(
        FileAwaited,
        path=_paths,
        stars=st.integers(0, 5),
        tags=st.sampled_from([(), (TagId("hero"),)]),
        note=_words,
    ),
    st.builds(FileArrived, path=_paths, asset=_assets),
    st.builds(
        ProjectSaved,
        file=st.sampled_from(["project.json", "ü.json"]),
        sha256=_heads,
        size=_numbers,
        panels=st.none() | _numbers,
        saved_at=st.none() | _words,
        origin=st.sampled_from(["saved", "found"]),
    ),
    st.builds(HostAdopted, host=_words, by=_words, jobs=st.lists(_jobs, max_size=2).map(tuple)),
    st.builds(
        LogMarked,
        host=_words,
        heads=st.dictionaries(_words, st.tuples(_numbers, _heads).map(list), max_size=2),
    ),
    st.builds(
        LogGap,
        log=_words,
        first=_numbers,
        last=_numbers,
        chain=_heads,
        segment=_attempts,
        offset=_numbers,
    ),
    st.builds(Unknown, type=_words, version=st.just(1), payload=st.just({})),
)


@st.composite
def logs(draw: st.DrawFn, writer: str, host: str, most: int = 12) -> list[Record]:
    """One writer's records. Its wall clock may stand still or jump back; its stamps rise."""
    wall = [1_000]
    clock = HybridClock(lambda: wall[0])
    records: list[Record] = []
    for sequence in range(1, draw(st.integers(0, most)) + 1):
        wall[0] = max(0, wall[0] + draw(st.sampled_from([0, 1, 5, -20])))
        time = clock.tick()
        # A transaction holds several events under one number.
        for index, event in enumerate(draw(st.lists(_events, min_size=1, max_size=3))):
            at = stamp(time, writer, index)
            records.append(Record(at, event, "mara", host, writer, sequence))
    return records


@st.composite
def interleavings(draw: st.DrawFn, one: Sequence[Record], other: Sequence[Record]) -> list[Record]:
    """Two logs as some reader may meet them: mixed, pieces late, pieces twice."""
    first, second = list(one), list(other)
    mixed: list[Record] = []
    while first or second:
        coin: bool = draw(st.booleans())
        source = first if not second or (first and coin) else second
        count = draw(st.integers(1, len(source)))
        mixed += source[:count]
        del source[:count]
    again: bool = draw(st.booleans())
    if mixed and again:
        begin = draw(st.integers(0, len(mixed) - 1))
        mixed += mixed[begin : begin + draw(st.integers(1, len(mixed)))]
    return mixed
