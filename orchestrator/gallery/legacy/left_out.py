"""What an import could not make sense of: counted always, named as long as the list is readable."""

from __future__ import annotations

from collections import Counter

from attrs import define, field, frozen

#: Things that are named; more are only counted.
MAX_NAMED = 1_000
#: Characters of a name in the list.
_SHOWN = 200


@frozen
class LeftOut:
    """One thing that was left out."""

    #: The old store in which it stands.
    source: str
    #: The path, tag or view.
    what: str
    reason: str


@define
class LeftOuts:
    """All that was left out. May be added to by one thread at a time."""

    named: list[LeftOut] = field(factory=list)
    #: How many things were left out, by store and reason.
    counts: Counter[tuple[str, str]] = field(factory=Counter)

    @property
    def total(self) -> int:
        """How many things were left out."""
        return self.counts.total()

    def add(self, source: str, what: object, reason: str) -> None:
        """Remember one thing. Names in damaged stores are no text sometimes: shown as codes."""
        self.counts[source, reason] += 1
        if len(self.named) < MAX_NAMED:
            shown = str(what)[:_SHOWN].encode("utf-8", "backslashreplace").decode()
            self.named.append(LeftOut(source, shown, reason))

    def of(self, source: str) -> int:
        """How many things of one store were left out."""
        return sum(count for (store, _), count in self.counts.items() if store == source)
