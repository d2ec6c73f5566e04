"""What was done to prompts and their files, and by whom: so that tests can hold somebody to it."""

from __future__ import annotations

from typing import Final, Literal

from attrs import frozen

#: `interrupted` and `deleted` by a request of somebody. The others are faults of this server:
#: `lost` with the process, or ended before and `forgotten` with it; `doomed` to an out-of-memory
#: error; `doubled` in the queue; queued, but `unanswered` or answered with an `error`; `spoiled`,
#: because its files were deleted.
Kind = Literal[
    "interrupted",
    "deleted",
    "lost",
    "forgotten",
    "doomed",
    "doubled",
    "unanswered",
    "error",
    "spoiled",
]
#: Who did it, if it was the server itself.
SERVER: Final = "server"
#: Who did it, if it was no request but a call from outside.
OUTSIDE: Final = "outside"


@frozen
class Incident:
    """Something that happened to one prompt."""

    kind: Kind
    prompt_id: str
    #: The `User-Agent` of the request; `server`, or `outside`.
    by: str = SERVER
