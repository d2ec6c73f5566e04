"""What handlers need, under typed keys; set in `app.py` only."""

from __future__ import annotations

from aiohttp import web

from orchestrator.config import Config
from orchestrator.gallery.curating import Curator
from orchestrator.gallery.duplicates.service import Duplicates
from orchestrator.gallery.fileops.bin import Bin
from orchestrator.gallery.fileops.naming_batches import Renamer
from orchestrator.gallery.fileops.service import FileWork
from orchestrator.gallery.finder import Finder
from orchestrator.gallery.indexes import Indexes
from orchestrator.gallery.news import GalleryNews
from orchestrator.gallery.past.moments import Moments
from orchestrator.gallery.past.service import Past
from orchestrator.gallery.relink.service import Relinker
from orchestrator.gallery.searching import Searcher
from orchestrator.gallery.service import Gallery
from orchestrator.gallery.thumbnails.service import Thumbnails
from orchestrator.jobs import Jobs
from orchestrator.live import Feed
from orchestrator.paths.roots import Roots
from orchestrator.projects import CurrentProject, Projects
from orchestrator.scheduling.dispatcher import Dispatcher, JobNews
from orchestrator.scheduling.fleet import Fleet

CONFIG = web.AppKey("config", Config)
ROOTS = web.AppKey("roots", Roots)
PROJECTS = web.AppKey("projects", Projects)
CURRENT = web.AppKey("current", CurrentProject)
FINDER = web.AppKey("finder", Finder)
GALLERY = web.AppKey("gallery", Gallery)
CURATOR = web.AppKey("curator", Curator)
FILES = web.AppKey("files", FileWork)
BIN = web.AppKey("bin", Bin)
RENAMER = web.AppKey("renamer", Renamer)
INDEXES = web.AppKey("indexes", Indexes)
SEARCHER = web.AppKey("searcher", Searcher)
DUPLICATES = web.AppKey("duplicates", Duplicates)
RELINKER = web.AppKey("relinker", Relinker)
PAST = web.AppKey("past", Past)
THUMBNAILS = web.AppKey("thumbnails", Thumbnails)
NEWS = web.AppKey("news", GalleryNews)
MOMENTS = web.AppKey("moments", Moments)
FLEET = web.AppKey("fleet", Fleet)
DISPATCHER = web.AppKey("dispatcher", Dispatcher)
JOBS = web.AppKey("jobs", Jobs)
JOB_FEED: web.AppKey[Feed[JobNews]] = web.AppKey("job_feed", Feed)
