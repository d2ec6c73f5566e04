"""Backends as people change them while the service runs: what stands, what may change. Pure.

`config.yaml` gives the start; what people say stands in the host's log. What was said last counts,
and an edit of the file counts as said when the service next starts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import asdict, fields_dict, frozen
from cattrs import BaseValidationError

from events.backends import BackendConfigured, BackendPaused, BackendRemoved, BackendResumed
from orchestrator import config_rules as rules
from orchestrator.config import BackendConfig
from orchestrator.errors import (
    BackendAddressTaken,
    BackendExists,
    BackendUnknown,
    InvalidFields,
)
from projections.backends import BackendFacts
from projections.project import ProjectView

#: The most letters of an id that is made from a name.
_ID_LENGTH = 48


@frozen
class Standing:
    """A backend that is to be used, as configured."""

    config: BackendConfig
    #: Whether it finishes what it has and takes nothing new.
    draining: bool = False


@frozen
class Overruled:
    """What somebody said of a backend, and what `config.yaml` says against it."""

    backend: str
    #: For people.
    reason: str


@frozen
class Merged:
    """The backends of this host."""

    #: In the file's order, then those that were added, by their ids.
    standing: tuple[Standing, ...]
    overruled: tuple[Overruled, ...] = ()

    def find(self, backend: str) -> Standing | None:
        """A backend by its id."""
        return next((s for s in self.standing if s.config.id == backend), None)

    def get(self, backend: str) -> Standing:
        """A backend by its id.

        Raises:
            BackendUnknown: there is none.
        """
        if (found := self.find(backend)) is None:
            raise BackendUnknown(backend, tuple(s.config.id for s in self.standing))
        return found


def merge(file: Sequence[BackendConfig], facts: Mapping[str, BackendFacts]) -> Merged:
    """What counts, of what the file says now and of what people said.

    An event keeps what the file said at its time. While the file still says that, the event is
    newer; once it says something else, the file is.
    """
    by_file = {config.id: config for config in file}
    told: dict[str, Standing | None] = {}
    overruled = []
    for backend, fact in sorted(facts.items()):
        if fact.setting is None:
            continue
        said, now = fact.setting.said, by_file.get(backend)
        if now is None and isinstance(said, BackendRemoved):
            continue  # both agree
        if said.file != _as_file(now):
            overruled.append(Overruled(backend, "config.yaml was changed since"))
        else:
            told[backend] = None if isinstance(said, BackendRemoved) else _standing(said)
    kept = {_place(c): c.id for c in file if c.id not in told}
    for backend, standing in list(told.items()):
        if standing is None:
            continue
        if (other := kept.setdefault(_place(standing.config), backend)) != backend:
            del told[backend]
            overruled.append(Overruled(backend, f"backend {other} has its address"))
    from_file = [told.pop(c.id, Standing(c)) for c in file]
    found = [standing for standing in (*from_file, *told.values()) if standing is not None]
    return Merged(tuple(found), tuple(overruled))


def _as_file(config: BackendConfig | None) -> dict[str, Any] | None:
    """What the file says of a backend, as an event keeps it."""
    if config is None:
        return None
    return {**asdict(config), "capabilities": list(config.capabilities)}


def _standing(said: BackendConfigured) -> Standing:
    config = BackendConfig(
        id=said.backend,
        name=said.name,
        host=said.host,
        port=said.port,
        enabled=said.enabled,
        capabilities=tuple(said.capabilities),
        max_concurrent_jobs=said.max_concurrent_jobs,
    )
    return Standing(config, said.draining)


@frozen(kw_only=True)
class Changes:
    """What somebody wants to be otherwise; None leaves a thing as it is."""

    name: str | None = None
    host: str | None = None
    port: int | None = None
    enabled: bool | None = None
    capabilities: tuple[str, ...] | None = None
    max_concurrent_jobs: int | None = None
    draining: bool | None = None


@frozen(kw_only=True)
class _OfTheFarm:
    """A command about the backends; they take turns, because addresses must not meet."""

    backend: str

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return ("farm",)


@frozen(kw_only=True)
class AddBackend(_OfTheFarm):
    """Use one more backend. An empty id is made from the name."""

    settings: Changes
    file: tuple[BackendConfig, ...]


@frozen(kw_only=True)
class EditBackend(_OfTheFarm):
    """Change what is configured of a backend."""

    settings: Changes
    file: tuple[BackendConfig, ...]


@frozen(kw_only=True)
class RemoveBackend(_OfTheFarm):
    """Use a backend no more."""

    file: tuple[BackendConfig, ...]


@frozen(kw_only=True)
class PauseBackend(_OfTheFarm):
    """Jobs failed there in a row."""

    reason: str
    jobs: tuple[str, ...] = ()


@frozen(kw_only=True)
class ResumeBackend(_OfTheFarm):
    """It is well again, or somebody says so."""

    reason: str


def add_backend(view: ProjectView, command: AddBackend) -> list[object]:
    """Refuses an id or an address that another one has, and values that the file could not have."""
    merged = merge(command.file, view.backends())
    name = command.settings.name or ""
    backend = command.backend or _fresh_id(name, [s.config.id for s in merged.standing])
    if merged.find(backend) is not None:
        raise BackendExists(backend)
    given = {key: value for key, value in asdict(command.settings).items() if value is not None}
    draining = given.pop("draining", False)
    standing = Standing(_checked({"id": backend, **given}), draining)
    _refuse_taken(merged, standing.config)
    return [_told(standing, command.file), *_forgiven(view, backend)]


def edit_backend(view: ProjectView, command: EditBackend) -> list[object]:
    """As above; says nothing if nothing would be otherwise. Another server is not paused."""
    merged = merge(command.file, view.backends())
    before = merged.get(command.backend)
    given = {key: value for key, value in asdict(command.settings).items() if value is not None}
    draining = given.pop("draining", before.draining)
    config = _checked({**asdict(before.config), **given})
    after = Standing(config, draining)
    if after == before:
        return []
    if config.url == before.config.url:
        return [_told(after, command.file)]
    _refuse_taken(merged, config)
    return [_told(after, command.file), *_forgiven(view, config.id)]


def remove_backend(view: ProjectView, command: RemoveBackend) -> list[object]:
    """Refuses what is not there."""
    backend = merge(command.file, view.backends()).get(command.backend).config.id
    file = _as_file(_in_file(command.file, backend))
    return [BackendRemoved(backend=backend, file=file), *_forgiven(view, backend)]


def pause_backend(view: ProjectView, command: PauseBackend) -> list[object]:
    """Says nothing if it is paused."""
    if _is_paused(view, command.backend):
        return []
    return [BackendPaused(backend=command.backend, reason=command.reason, jobs=command.jobs)]


def resume_backend(view: ProjectView, command: ResumeBackend) -> list[object]:
    """Says nothing if it is not paused."""
    if not _is_paused(view, command.backend):
        return []
    return [BackendResumed(backend=command.backend, reason=command.reason)]


def _checked(values: Mapping[str, Any]) -> BackendConfig:
    """The configuration, by the same rules as in the file.

    Raises:
        InvalidFields: with every fault.
    """
    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}
    try:
        return rules.converter(Path()).structure(plain, BackendConfig)
    except (BaseValidationError, rules.MismatchError) as exc:
        raise InvalidFields(rules.faults(exc)) from exc


def _refuse_taken(merged: Merged, config: BackendConfig) -> None:
    for other in (s.config for s in merged.standing):
        if other.id != config.id and _place(other) == _place(config):
            raise BackendAddressTaken(config.url, other.id)


def _place(config: BackendConfig) -> tuple[str, int]:
    """What makes two addresses one; only the name server could tell more."""
    return config.host.casefold().removesuffix("."), config.port


def _fresh_id(name: str, taken: Iterable[str]) -> str:
    base = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:_ID_LENGTH] or "backend"
    known = set(taken)
    return next(
        candidate
        for number in range(1, len(known) + 2)
        if (candidate := base if number == 1 else f"{base}-{number}") not in known
    )


def _told(standing: Standing, file: Sequence[BackendConfig]) -> BackendConfigured:
    plain = {key: getattr(standing.config, key) for key in fields_dict(BackendConfig)}
    backend = plain.pop("id")
    was = _as_file(_in_file(file, backend))
    return BackendConfigured(backend=backend, draining=standing.draining, file=was, **plain)


def _in_file(file: Sequence[BackendConfig], backend: str) -> BackendConfig | None:
    return next((config for config in file if config.id == backend), None)


def _forgiven(view: ProjectView, backend: str) -> list[object]:
    """What is said of a pause when the server behind an id is another one from now on."""
    if not _is_paused(view, backend):
        return []
    return [BackendResumed(backend=backend, reason="another server has its id from now on")]


def _is_paused(view: ProjectView, backend: str) -> bool:
    facts = view.backends().get(backend)
    return facts is not None and facts.pause is not None and facts.pause.reason is not None
