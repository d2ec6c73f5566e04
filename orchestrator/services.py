"""What handlers need, under typed keys; set in `app.py` only."""

from __future__ import annotations

from aiohttp import web

from orchestrator.config import Config
from orchestrator.gallery.service import Gallery
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
GALLERY = web.AppKey("gallery", Gallery)
FLEET = web.AppKey("fleet", Fleet)
DISPATCHER = web.AppKey("dispatcher", Dispatcher)
JOBS = web.AppKey("jobs", Jobs)
JOB_FEED: web.AppKey[Feed[JobNews]] = web.AppKey("job_feed", Feed)
