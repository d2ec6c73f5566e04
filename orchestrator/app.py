"""The composition root: builds everything once, and takes it down in the opposite order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

from orchestrator import __version__
from orchestrator.comfyui.catalogue import Catalogue
from orchestrator.comfyui.transport import DEFAULT_TIMEOUTS, Timeouts
from orchestrator.config import Config
from orchestrator.gallery.service import Gallery
from orchestrator.host import load_host
from orchestrator.http import curation, docs, files, gallery, jobs, live, middleware, serving
from orchestrator.http.endpoint import declared
from orchestrator.http.openapi import Info
from orchestrator.jobs import Jobs
from orchestrator.live import Feed
from orchestrator.paths.roots import Roots, default_roots
from orchestrator.projects import CurrentProject, Projects
from orchestrator.scheduling.dispatcher import Dispatcher, JobNews
from orchestrator.scheduling.fleet import Fleet
from orchestrator.scheduling.timing import Timing
from orchestrator.services import (
    CONFIG,
    CURRENT,
    DISPATCHER,
    FLEET,
    GALLERY,
    JOB_FEED,
    JOBS,
    PROJECTS,
    ROOTS,
)

ENDPOINTS = declared(jobs, gallery, curation, files, live)
INFO = Info(
    title="Director's Console Orchestrator",
    version=__version__,
    description="Jobs on ComfyUI backends, and the gallery over project folders.",
)


async def build(
    config: Config, *, timing: Timing | None = None, timeouts: Timeouts = DEFAULT_TIMEOUTS
) -> web.Application:
    """The service as an aiohttp application; it works once it is started, and until cleaned up.

    Raises:
        ConfigInvalid: the host's identity cannot be read or made in `data_dir`.
    """
    timing = timing or Timing()
    host = await asyncio.to_thread(load_host, config.data_dir)
    # The host's own default project can be looked at like any other.
    own = config.data_dir / "projects"
    roots = Roots((*(config.roots or default_roots()), own), config.path_mappings)
    projects = Projects(host, config.data_dir)
    session = aiohttp.ClientSession()
    fleet = Fleet(config.backends, session, host, timing=timing, timeouts=timeouts)
    feed: Feed[JobNews] = Feed()
    dispatcher = Dispatcher(projects, fleet, host, timing, feed)
    current = CurrentProject(config.data_dir / "current-project.json")

    app = web.Application()
    app[CONFIG] = config
    app[ROOTS] = roots
    app[PROJECTS] = projects
    app[CURRENT] = current
    app[GALLERY] = Gallery(roots, projects)
    app[FLEET] = fleet
    app[DISPATCHER] = dispatcher
    app[JOB_FEED] = feed
    app[JOBS] = Jobs(projects, roots, fleet, Catalogue(config.workflows_dir), current)

    async def run(_: web.Application) -> AsyncIterator[None]:
        dispatcher.start()
        fleet.start()
        projects.start()
        # A dead share must not keep the others, or the service, waiting.
        reopening = asyncio.create_task(projects.reopen_known())
        yield
        reopening.cancel()
        await asyncio.gather(reopening, return_exceptions=True)
        await dispatcher.close()
        await fleet.close()
        await projects.close()
        await session.close()

    async def say_goodbye(_: web.Application) -> None:
        # A WebSocket that stays open would hold up the stop of the service.
        feed.close()

    app.cleanup_ctx.append(run)
    app.on_shutdown.append(say_goodbye)
    middleware.install(app, cors_origins=config.cors_origins)
    serving.routes(app, ENDPOINTS)
    await asyncio.to_thread(docs.serve, app, ENDPOINTS, INFO)
    return app
