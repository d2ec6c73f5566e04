"""Whose turn it is: waiting jobs in a lane for each person, and the lanes take turns.

Within a lane, higher priority goes first, then rank, then the older job. Who was served longest
ago comes next, so nobody starves, however many jobs another one submits. Jobs of one kind stand in
one list, because what cannot be placed for the first of them cannot be placed for the others:
so looking for the next job costs the number of kinds, not of jobs.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush, merge
from typing import NamedTuple, TypeVar

from attrs import define, field, frozen

from orchestrator.scheduling.choose import Kind

T = TypeVar("T")


class Ticket(NamedTuple):
    """A job's place within its lane. A tuple, because places are compared all the time."""

    #: Lower goes first.
    against: int
    rank: float
    job_id: str


@frozen
class Turn:
    """A waiting job, where the order is asked for."""

    job_id: str
    actor: str
    kind: Kind


@define(eq=False)
class Lanes:
    """All jobs that could begin, by who submitted them and by kind."""

    _lanes: dict[str, dict[Kind, list[Ticket]]] = field(factory=dict)
    _where: dict[str, tuple[str, Kind, Ticket]] = field(factory=dict)
    #: How many jobs of each kind wait.
    _kinds: dict[Kind, int] = field(factory=dict)
    #: When each person was last served; those who never were have none.
    _served: dict[str, int] = field(factory=dict)
    _clock: int = 0

    def __contains__(self, job_id: object) -> bool:
        """Whether a job waits here."""
        return job_id in self._where

    def __len__(self) -> int:
        """How many jobs wait here."""
        return len(self._where)

    def put(self, job_id: str, actor: str, kind: Kind, *, priority: int, rank: float) -> None:
        """Let a job wait, or give it another place."""
        ticket = Ticket(-priority, rank, job_id)
        if self._where.get(job_id) == (actor, kind, ticket):
            return
        self.discard(job_id)
        self._where[job_id] = actor, kind, ticket
        self._kinds[kind] = self._kinds.get(kind, 0) + 1
        insort(self._lanes.setdefault(actor, {}).setdefault(kind, []), ticket)

    def discard(self, job_id: str) -> None:
        """Take a job out, if it waits here."""
        found = self._where.pop(job_id, None)
        if found is None:
            return
        actor, kind, ticket = found
        self._kinds[kind] -= 1
        if not self._kinds[kind]:
            del self._kinds[kind]
        tickets = self._lanes[actor][kind]
        del tickets[bisect_left(tickets, ticket)]
        if not tickets:
            del self._lanes[actor][kind]
        if not self._lanes[actor]:
            del self._lanes[actor]

    def kind_of(self, job_id: str) -> Kind | None:
        """What a waiting job asks of a backend."""
        found = self._where.get(job_id)
        return None if found is None else found[1]

    def take(self, places: Callable[[Kind], T | None]) -> tuple[str, T] | None:
        """The next job for which there is a place, and that place; it waits no longer.

        Args:
            places: Gives the place for a kind of job; None if there is none.
        """
        lanes = self._lanes
        for actor in sorted(
            lanes, key=lambda who: (self._served.get(who, 0), min(_heads(lanes[who])))
        ):
            for kind, tickets in sorted(lanes[actor].items(), key=lambda item: item[1][0]):
                place = places(kind)
                if place is not None:
                    job_id = tickets[0].job_id
                    self.discard(job_id)
                    self._serve(actor)
                    return job_id, place
        return None

    def _serve(self, actor: str) -> None:
        self._clock += 1
        self._served[actor] = self._clock

    def in_order(self) -> Iterator[Turn]:
        """All waiting jobs in the order in which they would begin if every place fitted them."""
        waiting = {
            actor: merge(
                *([(t, kind) for t in tickets] for kind, tickets in kinds.items()), key=_of
            )
            for actor, kinds in self._lanes.items()
        }
        clock, turns = self._clock, []
        for actor, tickets in waiting.items():
            ticket, kind = next(tickets)
            turns.append((self._served.get(actor, 0), ticket, actor, kind))
        heapify(turns)
        while turns:
            _, ticket, actor, kind = heappop(turns)
            yield Turn(ticket.job_id, actor, kind)
            clock += 1
            following = next(waiting[actor], None)
            if following is not None:
                heappush(turns, (clock, following[0], actor, following[1]))

    def kinds(self) -> list[Kind]:
        """What the waiting jobs ask for, each once."""
        return list(self._kinds)

    def of_kind(self, kind: Kind) -> list[str]:
        """All waiting jobs of a kind."""
        return [t.job_id for kinds in self._lanes.values() for t in kinds.get(kind, ())]

    def lane_of(self, job_id: str) -> list[str]:
        """The waiting jobs of the person who submitted this one, in their order."""
        found = self._where.get(job_id)
        if found is None:
            return []
        return [ticket.job_id for ticket in merge(*self._lanes[found[0]].values())]


def _heads(kinds: dict[Kind, list[Ticket]]) -> Iterator[Ticket]:
    return (tickets[0] for tickets in kinds.values())


def _of(item: tuple[Ticket, Kind]) -> Ticket:
    return item[0]
