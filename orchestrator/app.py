"""The composition root: builds everything once, and takes it down in the opposite order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
from aiohttp import web

from orchestrator import __version__
from orchestrator.adopting import Caretaker
from orchestrator.clocks import Clocks
from orchestrator.comfyui.catalogue import Catalogue
from orchestrator.comfyui.transport import DEFAULT_TIMEOUTS, Timeouts
from orchestrator.config import Config
from orchestrator.consolidating import Consolidating
from orchestrator.farm import Farm
from orchestrator.folders.deleting import Deleter
from orchestrator.folders.lookouts import Lookouts
from orchestrator.folders.service import Folders
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
from orchestrator.groups.service import Groups
from orchestrator.host import load_host
from orchestrator.http import (
    adopting,
    backend_care,
    backends,
    curation,
    docs,
    duplicates,
    files,
    folder_scans,
    folders,
    gallery,
    gallery_live,
    group_live,
    groups,
    health,
    job_history,
    jobs,
    live,
    log_status,
    mappings,
    metrics,
    middleware,
    moving,
    past,
    peers,
    queue,
    relink,
    saving,
    search,
    serving,
    states,
    tagging,
    thumbnails,
    trash,
    views,
)
from orchestrator.http.endpoint import declared
from orchestrator.http.frontend.table import bilingual
from orchestrator.http.openapi import Info
from orchestrator.job_feed import JobFeed
from orchestrator.job_index import JobIndex
from orchestrator.jobs import Jobs
from orchestrator.metrics.service import Metrics
from orchestrator.mirroring import Mirroring
from orchestrator.paths.book import MappingBook
from orchestrator.paths.roots import Roots, default_roots
from orchestrator.peers import Nudger, public_url
from orchestrator.project import Project
from orchestrator.projects import CurrentProject, Projects
from orchestrator.queueing import Queue
from orchestrator.saving.service import ImageSaver
from orchestrator.scheduling.dispatcher import Dispatcher
from orchestrator.scheduling.fleet import Fleet
from orchestrator.scheduling.outgoing import Outgoing
from orchestrator.scheduling.timing import Timing
from orchestrator.services import (
    BIN,
    CARETAKER,
    CONFIG,
    CURATOR,
    CURRENT,
    DELETER,
    DISPATCHER,
    DUPLICATES,
    FARM,
    FILES,
    FINDER,
    FLEET,
    FOLDERS,
    GALLERY,
    GROUPS,
    IMAGES,
    INDEXES,
    JOB_FEED,
    JOBS,
    MAPPINGS,
    METRICS,
    MOMENTS,
    NEWS,
    PAST,
    PROJECTS,
    QUEUE,
    RECEIVERS,
    RELINKER,
    RENAMER,
    ROOTS,
    SEARCHER,
    STATES,
    THUMBNAILS,
    WEBHOOKS,
)
from orchestrator.states.service import ProjectStates
from orchestrator.webhooks.reach import Names
from orchestrator.webhooks.receivers import Receivers
from orchestrator.webhooks.sending import Sender
from orchestrator.webhooks.service import Webhooks

ENDPOINTS = bilingual(
    declared(
        jobs,
        job_history,
        queue,
        backends,
        backend_care,
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
        folders,
        folder_scans,
        states,
        saving,
        thumbnails,
        mappings,
        live,
        gallery_live,
        groups,
        group_live,
        adopting,
        metrics,
        health,
        log_status,
        peers,
    )
)
INFO = Info(
    title="Director's Console Orchestrator",
    version=__version__,
    description=(
        "Jobs on ComfyUI backends, and the gallery over project folders.\n\n"
        "The gallery is spoken in two dialects, and answers as it is asked. *Documented*: "
        "camelCase, times in ISO 8601, refusals by HTTP status. *Frontend*, once a request has "
        "`project_path`, `folder_path`, `file_path`, `file_paths` or `target_folder`: snake_case, "
        "times in seconds since 1970, refusals as `{success: false, message}` with status 200. "
        "All other endpoints are spelled in snake_case by everybody."
    ),
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
    projects.following.url = public_url(config, host)
    nudger = Nudger(host, session, projects.following.url)
    projects.listeners.append(nudger.hear)
    fleet = Fleet(config.backends, session, host, timing=timing, timeouts=timeouts)
    job_index = JobIndex()
    projects.listeners.append(job_index.hear)
    projects.openers.append(job_index.opened)
    feed = JobFeed()
    projects.openers.append(feed.opened)
    mirroring = Mirroring(projects)
    consolidating = Consolidating(projects, config.consolidate_logs)
    dispatcher = Dispatcher(projects, fleet, host, timing, feed, Outgoing(roots, projects))
    current = CurrentProject(config.data_dir / "current-project.json")

    app = web.Application()
    app[CONFIG] = config
    app[ROOTS] = roots
    app[PROJECTS] = projects
    app[MAPPINGS] = book = MappingBook(config.path_mappings, roots, projects)
    projects.listeners.append(book.hear)
    projects.openers.append(book.opened)
    app[CURRENT] = current
    close_gallery = _add_gallery(app, config, roots, projects)
    app[FOLDERS] = Folders(roots, lookouts := Lookouts(roots))
    app[DELETER] = Deleter(roots, lookouts, projects, current, app[FILES])
    app[STATES] = project_states = ProjectStates(app[FINDER])
    app[IMAGES] = ImageSaver(roots, fleet, session, timeouts)
    app[FLEET] = fleet
    app[DISPATCHER] = dispatcher
    app[JOB_FEED] = feed
    app[METRICS] = figures = Metrics(projects, fleet)
    figures.start()
    _add_webhooks(app, config, projects, timing)
    app[JOBS] = Jobs(
        projects,
        roots,
        fleet,
        Catalogue(config.workflows_dir),
        current,
        job_index,
        app[RECEIVERS],
    )
    app[QUEUE] = Queue(app[JOBS], dispatcher)
    app[GROUPS] = job_groups = Groups(app[JOBS], projects, timing)
    projects.openers.append(job_groups.opened)
    clocks = Clocks(projects)
    app[CARETAKER] = caretaker = Caretaker(projects, app[FILES].engine, timing)
    # Groups of which the host that is gone had submitted a part only.
    caretaker.listeners.append(job_groups.opened)
    app[FARM] = farm = Farm(projects, fleet, config.backends, timing, app[JOBS].unfinished)
    projects.listeners.append(farm.hear)
    projects.openers.append(farm.opened)

    async def run(_: web.Application) -> AsyncIterator[None]:
        dispatcher.start()
        # The host's own project is opened here; by then all who want to know of it are told.
        await book.load()
        await farm.start()
        fleet.start()
        projects.start()
        clocks.start()
        caretaker.start()
        mirroring.start()
        consolidating.start()
        # A dead share must not keep the others, or the service, waiting.
        reopening = asyncio.create_task(projects.reopen_known())
        yield
        reopening.cancel()
        await asyncio.gather(reopening, return_exceptions=True)
        await caretaker.close()
        await clocks.close()
        await job_groups.close()
        await dispatcher.close()
        await app[WEBHOOKS].close()
        await fleet.close()
        await farm.close()
        await project_states.close()
        await close_gallery()
        await consolidating.close()
        await mirroring.close()
        await projects.close()
        nudger.close()
        await session.close()

    async def say_goodbye(_: web.Application) -> None:
        # A WebSocket that stays open would hold up the stop of the service.
        feed.close()
        app[NEWS].feed.close()

    app.cleanup_ctx.append(run)
    app.on_shutdown.append(say_goodbye)
    requests = metrics.RequestMeter(ENDPOINTS)
    figures.registry.register(requests)
    middleware.install(app, cors_origins=config.cors_origins, meter=requests.begin)
    serving.routes(app, ENDPOINTS)
    docs.serve(app, ENDPOINTS, INFO)
    return app


def _add_webhooks(app: web.Application, config: Config, projects: Projects, timing: Timing) -> None:
    """Build what tells others of the ends of jobs; it is closed before the projects."""
    strangers = Names()
    app[RECEIVERS] = receivers = Receivers.of(config.webhooks, config.webhook_secret, strangers)
    sender = Sender(Names(), strangers)
    app[WEBHOOKS] = webhooks = Webhooks(projects, projects.host, receivers, sender, timing)
    webhooks.start()


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
