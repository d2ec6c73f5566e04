"""Which addresses are told of a job's end: those of config.yaml, and one that the job may name."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from aiohttp.abc import AbstractResolver
from attrs import define, field, frozen
from yarl import URL

from orchestrator import config_rules
from orchestrator.config import WebhookConfig
from orchestrator.errors import WebhookNotPermitted
from orchestrator.webhooks.reach import NotPublicError, PublicNames, is_public

#: Looking a name up may take so long when a job is submitted (seconds).
LOOKUP_SECONDS = 5.0


@frozen
class Receiver:
    """Who is told of a job's end, and of which ends."""

    url: URL
    #: Signs the messages; None leaves them unsigned.
    secret: str | None = field(repr=False)
    events: frozenset[str]
    #: Whether config.yaml names it: then it may be anywhere.
    trusted: bool


def shown(url: str) -> str:
    """An address for people and logs: what follows the host may be as good as a password."""
    try:
        parsed = URL(url)
        if not parsed.host:
            return "?"
        more = "/..." if parsed.raw_path_qs not in ("", "/") else ""
        return f"{parsed.origin()}{more}"
    except ValueError:
        return "?"


@define(eq=False)
class Receivers:
    """The addresses that may be told, and those that must be."""

    _configured: Mapping[str, Receiver]
    #: For addresses that only a job names.
    _secret: str | None = field(repr=False)
    _names: PublicNames

    @classmethod
    def of(
        cls, configs: Iterable[WebhookConfig], secret: str | None, names: AbstractResolver
    ) -> Receivers:
        """From the configuration; `names` looks names up."""
        known = {
            str(url): Receiver(url, each.secret or secret, frozenset(each.events), trusted=True)
            for each in configs
            if (url := URL(each.url))
        }
        return cls(known, secret, PublicNames(names))

    async def addresses_for(self, requested: str | None) -> tuple[str, ...]:
        """The addresses that a new job's end is told to: those of config.yaml, and its own.

        Raises:
            WebhookNotPermitted: its own is none that may be told.
        """
        if requested is None:
            return tuple(self._configured)
        url = str(_parsed(requested))
        if url in self._configured:
            return tuple(self._configured)
        await self._look_up(URL(url))
        return (*self._configured, url)

    def receiver(self, url: str) -> Receiver:
        """Whoever an address of a job stands for now.

        Raises:
            WebhookNotPermitted: it is none that may be told.
        """
        known = self._configured.get(url)
        if known is not None:
            return known
        parsed = _parsed(url)
        _refuse_private_literal(parsed)
        ends = frozenset({"succeeded", "failed", "cancelled"})
        return Receiver(parsed, self._secret, ends, trusted=False)

    async def _look_up(self, url: URL) -> None:
        _refuse_private_literal(url)
        host, port = url.raw_host or "", url.port or 0
        if config_rules.is_ip(host):
            return
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                await self._names.resolve(host, port)
        except NotPublicError as exc:
            raise WebhookNotPermitted(shown(str(url)), str(exc)) from exc
        except TimeoutError as exc:
            said = f"{host} was not found within {LOOKUP_SECONDS:g} s"
            raise WebhookNotPermitted(shown(str(url)), said) from exc
        except OSError as exc:
            said = f"{host} is not found: {exc.strerror or exc}"
            raise WebhookNotPermitted(shown(str(url)), said) from exc


def _refuse_private_literal(url: URL) -> None:
    """Refuse an address that is a number, and not a public one: nobody will look that up.

    Raises:
        WebhookNotPermitted: it is.
    """
    host = url.raw_host or ""
    if config_rules.is_ip(host) and not is_public(host):
        raise WebhookNotPermitted(shown(str(url)), str(NotPublicError(host)))


def _parsed(text: str) -> URL:
    if not config_rules.is_web_address(text):
        said = f"it is not {config_rules.WEB_ADDRESS.expected}"
        raise WebhookNotPermitted(shown(text), said)
    return URL(text)
