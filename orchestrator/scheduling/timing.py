"""How long the scheduler waits for what. Tests shorten these; users need not touch them."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Timing:
    """Seconds."""

    #: Between looks at a backend's queue while something of ours is there, and while not.
    poll_active: float = 1.0
    poll_idle: float = 5.0
    #: The least between two looks, however much happens there.
    poll_least: float = 0.5
    #: The same at most, while it does not answer and nothing of ours is there: the pause doubles.
    poll_away: float = 30.0
    #: Between looks at what is installed on a backend.
    look_up: float = 600.0
    #: Between looks at a backend's memory and GPU figures.
    stats: float = 5.0
    #: A prompt that is in neither queue nor history for so long, in two looks, is lost.
    absent: float = 2.0
    #: The same after a submission without an answer: an abandoned POST may still be carried out
    #: when a hung server goes on (protocol section 4.7), so this exceeds the time-out of a POST.
    absent_after_unknown: float = 45.0
    #: A backend that has not answered for so long has lost what we had there.
    unreachable: float = 60.0
    #: The same if it refused every connection: nobody listens, so its queue is gone. It is not
    #: believed at once, because a gateway in between may refuse while it restarts.
    refused: float = 15.0
    #: Prompts wait in a backend, none runs: after so long its worker is dead.
    worker_dead: float = 10.0
    #: HTTP shows a change of the queue and no frame tells of it: after so long the socket is mute.
    mute: float = 5.0
    #: Between rounds of a withdrawal, and how long one may take after a stall.
    withdraw_round: float = 0.3
    withdraw_limit: float = 60.0
    #: Before a backend on which jobs failed is tried: first, and at most; the pause doubles.
    probe_first: float = 30.0
    probe_most: float = 600.0
    #: How long its trial may take, once nobody else's prompt runs there.
    probe_limit: float = 60.0
    #: How long somebody who asked for it waits until a backend has let go of our attempts.
    let_go: float = 10.0
    #: Before something that failed for the moment is tried again: first, and at most.
    retry_first: float = 0.5
    retry_most: float = 15.0
    #: All open jobs are looked at anew this often, whatever happened.
    sweep: float = 30.0
    #: Even if nothing seems to change, our queue is looked through this often.
    heartbeat: float = 1.0


#: A job is tried so often before it is given up.
MAX_ATTEMPTS = 3
