"""What `demo` prints once everything runs: addresses to open, and commands to try."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import orjson

from tools.demo.sample import PROJECT
from tools.demo.stage import Stage


def invitation(stage: Stage) -> str:
    """Addresses and commands that work as they are printed."""
    url, project = stage.service.url, stage.project
    picture = f"Panel_01/{PROJECT}_Panel_01_v001.png"
    backends = ", ".join(f"{child.name} at {child.url}" for child in stage.backends)
    job = {
        "workflow_id": "flux_dev",
        "parameters": {"prompt": "cinematic shot, a lake in the snow", "seed": 7, "steps": 20},
        "metadata": {"panel_id": "Panel_01"},
        "project_path": project,
    }
    rating = {"projectPath": project, "filePath": picture, "rating": 5}
    command = _command()
    return f"""
Open
  API            {url}/docs   (also /redoc and /openapi.json)
  sample project {project}
  workflows      {stage.folder.workflows}
  backends       {backends}

Try
  look at the project
    {_post(f"{url}/api/gallery/scan-tree", {"projectPath": project})}
    {_post(f"{url}/api/gallery/scan-folder", {"projectPath": project, "folderPath": "Panel_01"})}
    {_post(f"{url}/api/gallery/file-info", {"projectPath": project, "filePath": picture})}
  render a picture into Panel_01; the answer has its job_id
    {_post(f"{url}/api/job", job)}
    curl {url}/api/jobs
  follow all jobs live
    ws{url.removeprefix("http")}/ws/jobs          (one of them: ?jobId=...)
  rate a picture in your name
    {_post(f"{url}/api/gallery/ratings", rating, "X-Actor: me")}
  read who did what, from the log itself
    {command} log history {shlex.quote(project)}
    {command} log replay {shlex.quote(project)}
    {command} log audit {shlex.quote(project)}

Ctrl-C stops everything{"" if stage.folder.keep else " and deletes the sample project"}."""


def _post(url: str, body: Mapping[str, object], *headers: str) -> str:
    parts = ["curl", "-s", url]
    for header in ("Content-Type: application/json", *headers):
        parts += ["-H", header]
    return shlex.join([*parts, "-d", orjson.dumps(body).decode()])


def _command() -> str:
    """How this very code's `orchestrator` is called from here."""
    beside = Path(sys.executable).with_name("orchestrator")
    if not beside.exists():
        return shlex.join([sys.executable, "-m", "tools.cli"])
    if shutil.which("orchestrator") == str(beside):
        return "orchestrator"
    here = Path.cwd()
    return shlex.quote(str(beside.relative_to(here) if beside.is_relative_to(here) else beside))
