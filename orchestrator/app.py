"""The composition root: builds everything once, and takes it down in the opposite order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
from aiohttp import web

from orchestrator import __version__
from orchestrator.comfyui.catalogue import Catalogue
from orchestrator.comfyui.transport import DEFAULT_TIMEOUTS, Timeouts
from orchestrator.config import Config
from orchestrator.gallery.curating import Curator
from orchestrator.gallery.duplicates.service import Duplicates
from orchestrator.gallery.fileops.bin import Bin
from orchestrator.gallery.fileops.engine import Engine
from orchestrator.gallery.fileops.naming_batches import Renamer
from orchestrator.gallery.fileops.service import FileWork
from orchestrator.gallery.finder import Finder
from orchestrator.gallery.index.service import Indexer
from orchestrator.gallery.indexes import Indexes
from orchestrator.gallery.legacy.importer import Importer
from orchestrator.gallery.listing import FileStat
from orchestrator.gallery.news import GalleryNews
from orchestrator.gallery.past.filework import GalleryFiles
from orchestrator.gallery.past.moments import Moments
from orchestrator.gallery.past.service import Past
from orchestrator.gallery.relink.service import Relinker
from orchestrator.gallery.searching import Searcher
from orchestrator.gallery.service import Gallery
from orchestrator.gallery.thumbnails.service import Thumbnails
from orchestrator.host import load_host
from orchestrator.http import (
    curation,
    docs,
    duplicates,
    files,
    gallery,
    gallery_live,
    jobs,
    live,
    middleware,
    moving,
    past,
    relink,
    search,
    serving,
    tagging,
    thumbnails,
    trash,
    views,
)
from orchestrator.http.endpoint import declared
from orchestrator.http.openapi import Info
from orchestrator.jobs import Jobs
from orchestrator.live import Feed
from orchestrator.paths.roots import Roots, default_roots
from orchestrator.project import Project
from orchestrator.projects import CurrentProject, Projects
from orchestrator.scheduling.dispatcher import Dispatcher, JobNews
from orchestrator.scheduling.fleet import Fleet
from orchestrator.scheduling.timing import Timing
from orchestrator.services import (
    BIN,
    CONFIG,
    CURATOR,
    CURRENT,
    DISPATCHER,
    DUPLICATES,
    FILES,
    FINDER,
    FLEET,
    GALLERY,
    INDEXES,
    JOB_FEED,
    JOBS,
    MOMENTS,
    NEWS,
    PAST,
    PROJECTS,
    RELINKER,
    RENAMER,
    ROOTS,
    SEARCHER,
    THUMBNAILS,
)

ENDPOINTS = declared(
    jobs,
    gallery,
    search,
    curation,
    tagging,
    views,
    moving,
    trash,
    duplicates,
    past,
    relink,
    files,
    thumbnails,
    live,
    gallery_live,
)
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
    close_gallery = _add_gallery(app, config, roots, projects)
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
        await close_gallery()
        await projects.close()
        await session.close()

    async def say_goodbye(_: web.Application) -> None:
        # A WebSocket that stays open would hold up the stop of the service.
        feed.close()
        app[NEWS].feed.close()

    app.cleanup_ctx.append(run)
    app.on_shutdown.append(say_goodbye)
    middleware.install(app, cors_origins=config.cors_origins)
    serving.routes(app, ENDPOINTS)
    await asyncio.to_thread(docs.serve, app, ENDPOINTS, INFO)
    return app


def _add_gallery(
    app: web.Application, config: Config, roots: Roots, projects: Projects
) -> Callable[[], Awaitable[None]]:
    """Build the gallery's parts and tie them to each other. Returns how they are closed."""
    importer = Importer(roots.permits)
    engine = Engine()
    cache = config.data_dir / "cache"
    indexes = Indexes(Indexer(roots.permits), cache / "index")
    finder = Finder(roots, projects, importer.ensure, indexes.is_made_anew)
    thumbs = Thumbnails(roots, cache / "thumbnails")
    news, moments = GalleryNews(), Moments()
    file_work, bin_ = FileWork(finder, engine), Bin(finder, engine)
    past_ = Past(finder, GalleryFiles(file_work, bin_), moments=moments)
    gallery_ = Gallery(finder, indexes.dimensions, past_.moved_since)

    app[FINDER] = finder
    app[GALLERY] = gallery_
    app[CURATOR] = Curator(finder)
    app[FILES] = file_work
    app[BIN] = bin_
    app[RENAMER] = Renamer(finder)
    app[INDEXES] = indexes
    app[SEARCHER] = Searcher(finder, indexes)
    app[DUPLICATES] = duplicates_ = Duplicates(
        finder, gallery_, app[CURATOR], file_work, cache / "hashes"
    )
    app[RELINKER] = relinker = Relinker(finder, indexes)
    app[PAST] = past_
    app[THUMBNAILS] = thumbs
    app[NEWS] = news
    app[MOMENTS] = moments

    def make_ahead(project: Project, folder: str, files: list[FileStat]) -> None:
        at = f"{project.root}/{folder}/"
        thumbs.ahead([at + file.name for file in files])

    gallery_.watchers += [indexes.looked_at, make_ahead]
    engine.listeners += [indexes.moved, duplicates_.moved]
    projects.listeners += [news.hear, past_.hear]
    projects.openers += [engine.opened, news.opened]
    indexes.indexer.listeners += [indexes.changed, news.progress]
    indexes.indexer.enders += [indexes.changed, news.scanned, finder.scanned, relinker.scanned]

    async def close() -> None:
        await importer.close()
        await relinker.close()
        await engine.close()
        await indexes.close()
        await thumbs.close()
        duplicates_.close()
        past_.close()

    return close
