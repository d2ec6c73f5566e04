"""Tells events of the farm and of a host's settings in a few words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from events import backends, groups, hosts, mappings, states, webhooks, witness
from orchestrator.wording import number, size

#: What happened, by the event that tells of it.
FARM_WORDS: Mapping[type, Callable[[Any], str]] = {
    groups.GroupCreated: lambda e: f"group {e.group} of {number(len(e.jobs), 'job')}",
    groups.GroupCancelRequested: lambda e: f"group {e.group} to be cancelled",
    hosts.HostAdopted: lambda e: (
        f"{number(len(e.jobs), 'job')} of host {e.host} taken over by host {e.by}"
    ),
    backends.BackendConfigured: lambda e: f"backend {e.backend} is {_backend(e)}",
    backends.BackendRemoved: lambda e: f"backend {e.backend} taken away",
    backends.BackendPaused: lambda e: f"backend {e.backend} paused: {e.reason}",
    backends.BackendResumed: lambda e: f"backend {e.backend} takes jobs again: {e.reason}",
    mappings.MappingSet: lambda e: f"path mapping {e.name or e.mapping}: {_sides(e)}",
    mappings.MappingRemoved: lambda e: f"path mapping {e.mapping} removed",
    states.ProjectSaved: lambda e: f"state of {e.file} {e.origin}, {size(e.size)}",
    webhooks.WebhookSettled: lambda e: f"end of job {e.job} {_told(e)}",
    witness.LogMarked: lambda e: f"{number(len(e.heads), 'log')} read by host {e.host}",
    witness.LogGap: lambda e: f"records {e.first} to {e.last} of {e.log} given up",
}


def _backend(event: backends.BackendConfigured) -> str:
    state = "draining" if event.draining else "enabled" if event.enabled else "disabled"
    at_once = number(event.max_concurrent_jobs, "job")
    return f"{event.host}:{event.port}, {state}, {at_once} at once"


def _sides(event: mappings.MappingSet) -> str:
    sides = [side for side in (event.windows, event.linux, event.macos) if side]
    return (" = ".join(sides) or "blank") + ("" if event.enabled else ", disabled")


def _told(event: webhooks.WebhookSettled) -> str:
    tries = number(event.tries, "attempt")
    if event.delivered:
        return f"told to a webhook in {tries}"
    return f"not told to a webhook: {event.error or 'no reason'} ({tries})"
