"""Judges from looks and frames whether a backend's worker and our socket to it are alive. Pure.

Times are monotonic seconds.
"""

from __future__ import annotations

from attrs import define

from orchestrator.comfyui.answers import QueueView

#: Which prompts run, and how many wait: what the `status` frames tell of.
_State = tuple[tuple[str, ...], int]


@define(eq=False)
class WorkerSigns:
    """Whether a backend that answers also executes (protocol section 4.8)."""

    #: Prompts wait, none runs: after so many seconds the worker is dead.
    limit: float
    #: A prompt that went on running although it was stopped.
    hung_on: str | None = None
    #: Since when prompts wait there and none runs.
    _stuck_since: float | None = None
    #: It executed nothing for too long, and nothing has shown since that it does again.
    _dead: bool = False

    @property
    def dead(self) -> bool:
        """Whether only a restart helps."""
        return self._dead or self.hung_on is not None

    def look(self, queue: QueueView, now: float) -> None:
        """Take note of one look at the queue.

        An empty one says nothing: ours may have been taken out because the worker is dead.
        """
        running = {item.prompt_id for item in queue.running}
        if self.hung_on not in running:
            self.hung_on = None
        if running:
            self.reconnected()
        elif not queue.pending:
            self._stuck_since = None
        else:
            self._stuck_since = self._stuck_since or now
            self._dead = self._dead or now - self._stuck_since >= self.limit

    def reconnected(self) -> None:
        """It runs something, or its socket had to be opened anew: the sign of a restart."""
        self._dead, self._stuck_since = False, None

    def lost(self) -> None:
        """It does not answer; when it does again, it may be another process."""
        self.reconnected()
        self.hung_on = None


@define(eq=False)
class SocketSigns:
    """Whether a socket that is open is mute (protocol section 4.3).

    Every change of the queue sends a frame to every socket, whoever's prompt it is.
    """

    #: HTTP shows a change of which no frame tells: after so many seconds it is mute.
    limit: float
    #: The queue as last seen, when that was, and when a frame last came.
    _state: _State | None = None
    _looked: float = 0.0
    _heard: float = 0.0
    #: Since when the socket owes a frame about a change that HTTP showed.
    _owes_since: float | None = None

    def heard(self, now: float) -> None:
        """A frame came."""
        self._heard, self._owes_since = now, None

    def is_mute(self, queue: QueueView, now: float, *, connected: bool) -> bool:
        """Take note of one look at the queue; whether the socket should be opened anew."""
        state = (tuple(item.prompt_id for item in queue.running), len(queue.pending))
        changed = self._state is not None and state != self._state
        if changed and self._heard < self._looked and connected:
            self._owes_since = self._owes_since or now
        self._state, self._looked = state, now
        if self._owes_since is None or now - self._owes_since < self.limit:
            return False
        self._owes_since = None
        return True

    def lost(self) -> None:
        """The backend does not answer: nothing is owed."""
        self._state = self._owes_since = None
