"""What an import did, or would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from attrs import define, field

from events.curation import AssetNoted, AssetRated, AssetTagged, TagDefined
from events.imports import FileAwaited
from events.trash import FileTrashed
from events.views import ViewSaved
from orchestrator.gallery.legacy.left_out import LeftOuts

#: What is counted, by the event that tells of it. The words stand in `project.imported`.
WORDS: dict[type, str] = {
    TagDefined: "tags",
    ViewSaved: "views",
    AssetRated: "ratings",
    AssetTagged: "file_tags",
    AssetNoted: "notes",
    FileAwaited: "awaited",
    FileTrashed: "trashed",
}


@define
class SourceReport:
    """What became of one old store."""

    #: Relative to the project.
    name: str
    #: Bytes.
    size: int
    #: What is wrong with the store; such a one is not done, and is read again next time.
    fault: str | None
    #: Things taken over, by the words of `WORDS`.
    counts: Counter[str] = field(factory=Counter)
    #: Files that have a record in which nothing is said.
    silent: int = 0

    def count(self, events: Iterable[object]) -> None:
        """Count what was told."""
        self.counts.update(WORDS[type(event)] for event in events if type(event) in WORDS)


@define
class Report:
    """What an import did; what it would do, if nothing was recorded."""

    dry_run: bool
    #: Old stores that were taken over now, in order.
    sources: list[SourceReport] = field(factory=list)
    #: Names of those that had been taken over before, as they are.
    earlier: tuple[str, ...] = ()
    left: LeftOuts = field(factory=LeftOuts)

    @property
    def whole(self) -> bool:
        """Whether every store could be read to its end."""
        return all(source.fault is None for source in self.sources)

    def plain(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        reasons = [
            {"source": source, "reason": reason, "count": count}
            for (source, reason), count in sorted(self.left.counts.items())
        ]
        return {
            "dry_run": self.dry_run,
            "sources": [
                {
                    "name": source.name,
                    "size": source.size,
                    "fault": source.fault,
                    "counts": {word: source.counts[word] for word in WORDS.values()},
                    "silent": source.silent,
                    "left_out": self.left.of(source.name),
                }
                for source in self.sources
            ],
            "imported_before": list(self.earlier),
            "left_out": [
                {"source": left.source, "what": left.what, "reason": left.reason}
                for left in self.left.named
            ],
            "left_out_reasons": reasons,
            "left_out_total": self.left.total,
        }
