"""Backends as people changed them while the service ran. The newest stamp wins."""

from __future__ import annotations

from typing import Any

from attrs import asdict, evolve, frozen

from events.backends import BackendConfigured, BackendPaused, BackendRemoved, BackendResumed
from events.record import Record
from events.stamp import Stamp
from projections.fold import Projection


@frozen
class Setting:
    """What somebody last said of a backend's configuration."""

    as_of: Stamp
    actor: str
    said: BackendConfigured | BackendRemoved


@frozen
class Pause:
    """Whether it is left alone because jobs failed there."""

    as_of: Stamp
    #: None: it is not paused.
    reason: str | None
    jobs: tuple[str, ...] = ()


@frozen
class BackendFacts:
    """All that the log says of one backend."""

    setting: Setting | None = None
    pause: Pause | None = None


Event = BackendConfigured | BackendRemoved | BackendPaused | BackendResumed


def _key(event: Event) -> tuple[str, ...]:
    return (event.backend,)


def _apply(state: BackendFacts | None, record: Record, key: str) -> BackendFacts | None:
    facts, at = state or BackendFacts(), record.stamp
    match record.event:
        case BackendConfigured() | BackendRemoved() as said:
            if facts.setting is None or at > facts.setting.as_of:
                return evolve(facts, setting=Setting(at, record.actor, said))
        case BackendPaused(reason=reason, jobs=jobs):
            if facts.pause is None or at > facts.pause.as_of:
                return evolve(facts, pause=Pause(at, reason, jobs))
        case BackendResumed():
            if facts.pause is None or at > facts.pause.as_of:
                return evolve(facts, pause=Pause(at, None))
        case _:
            pass
    return state


def _unpack(packed: Any) -> BackendFacts:
    setting, pause = packed["setting"], packed["pause"]
    if setting is not None:
        said = dict(setting["said"])
        if "port" in said:
            said["capabilities"] = tuple(said["capabilities"])
            event: BackendConfigured | BackendRemoved = BackendConfigured(**said)
        else:
            event = BackendRemoved(**said)
        setting = Setting(setting["as_of"], setting["actor"], event)
    if pause is not None:
        pause = Pause(**{**pause, "jobs": tuple(pause["jobs"])})
    return BackendFacts(setting, pause)


BACKENDS = Projection(
    "backends",
    (BackendConfigured, BackendRemoved, BackendPaused, BackendResumed),
    _key,
    _apply,
    asdict,
    _unpack,
)
