"""Starting the service: configuration, log output, the event loop, and a clean stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog
from aiohttp import web
from attrs import evolve

from orchestrator.app import build
from orchestrator.config import Config, exposure, load_config
from orchestrator.errors import ConfigInvalid, OrchestratorError
from orchestrator.paths.roots import default_roots
from orchestrator.services import FLEET

_log = structlog.get_logger(__name__)

#: Looked for in the working directory, if no other file is named.
DEFAULT_CONFIG = Path("config.yaml")
LOG_BYTES, LOG_FILES = 10 << 20, 5
#: Requests may take so long to end when the service is stopped (seconds).
SHUTDOWN = 10.0
#: A thread that comes back from the disk waits so long for the interpreter while the event loop
#: is busy (seconds). Python's 5 ms, three times per write of the log, would be most of its time.
SWITCH_INTERVAL = 0.0005
#: Bytes of a request's first line: a path of 4 KiB has three times that when percent-encoded.
LINE_LIMIT = 1 << 15
#: What is left of a body that was refused is passed over for so long, so that its sender gets to
#: see the refusal (seconds).
LINGER = 2.0


#: Objects made before the youngest are looked through for cycles, and how often older ones are.
#: Requests leave few cycles; Python's own setting (700, 10, 10) walks through the whole state of
#: all projects several times a second under load.
GC_THRESHOLDS = (20_000, 20, 100)


def configure_logging(log_dir: Path | None) -> None:
    """Plain lines on the terminal, JSON lines in `log_dir/orchestrator.log` (None: no file)."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    terminal = logging.StreamHandler(sys.stderr)
    # Local variables in tracebacks may hold people's prompts.
    console = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    terminal.setFormatter(_formatter(shared, console))
    handlers: list[logging.Handler] = [terminal]
    if log_dir is not None:
        log_dir.mkdir(parents=True, exist_ok=True)
        path = log_dir / "orchestrator.log"
        file = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES)
        file.setFormatter(_formatter(shared, structlog.processors.JSONRenderer()))
        handlers.append(file)
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)


def _formatter(
    shared: list[structlog.typing.Processor], renderer: structlog.typing.Processor
) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info
            if isinstance(renderer, structlog.processors.JSONRenderer)
            else _as_it_is,
            renderer,
        ],
    )


def _as_it_is(
    _logger: object, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    return event


def configured(
    path: Path | None, environ: Mapping[str, str], host: str | None, port: int | None
) -> Config:
    """The configuration, with what the command line says on top.

    Raises:
        ConfigInvalid: it cannot be used.
    """
    if path is None and DEFAULT_CONFIG.exists():
        path = DEFAULT_CONFIG
    config = load_config(path, environ)
    if host is not None:
        config = evolve(config, host=host)
        fault = exposure(host, config.roots)
        if fault is not None:
            raise ConfigInvalid("--host", (fault,))
    return config if port is None else evolve(config, port=port)


def runner_of(app: web.Application) -> web.AppRunner:
    """The application with the limits that it is served with."""
    return web.AppRunner(
        app,
        # Access lines would halve the throughput; what is refused or fails is logged anyway.
        access_log=None,
        shutdown_timeout=SHUTDOWN,
        max_line_size=LINE_LIMIT,
        lingering_time=LINGER,
    )


async def run(config: Config, announce: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM, then finish what was begun.

    Raises:
        ConfigInvalid: the host's identity cannot be read.
        OSError: the port is taken.
    """
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.set_threshold(*GC_THRESHOLDS)
    runner = runner_of(app := await build(config))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        _on_signal(loop, number, stop)
    await runner.setup()
    try:
        site = web.TCPSite(runner, config.host, config.port)
        await site.start()
        host, port = runner.addresses[0][:2]
        shown = f"[{host}]" if ":" in host else host
        if not config.roots:
            folders = ", ".join(str(folder) for folder in default_roots())
            _log.info("roots.default", folders=folders, hint="set `roots` in config.yaml")
        _log.info("service.started", url=f"http://{shown}:{port}", backends=len(app[FLEET].all()))
        announce(f"http://{shown}:{port}")
        _collect_garbage()
        await stop.wait()
        _log.info("service.stopping")
    finally:
        await runner.cleanup()


def _collect_garbage() -> None:
    """From now on; what the start has made stays, and is never looked through again."""
    gc.freeze()
    gc.enable()


def _on_signal(loop: asyncio.AbstractEventLoop, number: int, stop: asyncio.Event) -> None:
    try:
        loop.add_signal_handler(number, stop.set)
    except NotImplementedError:  # Windows
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))


def _say(text: str) -> None:
    """Print at once: whoever started us through a pipe waits for this line."""
    print(text, flush=True)


def main(
    config_path: Path | None = None,
    host: str | None = None,
    port: int | None = None,
    announce: Callable[[str], None] = _say,
) -> int:
    """Serve; returns the exit code: 0 after a clean stop, 2 if it cannot start."""
    try:
        config = configured(config_path, os.environ, host, port)
        configure_logging(config.log_dir)
        _run_loop(config, announce)
    except OrchestratorError as exc:
        print(f"{exc}\n{exc.remedy}", file=sys.stderr)
        return 2
    except OSError as exc:
        print(f"The service cannot start: {exc}", file=sys.stderr)
        return 2
    return 0


def _run_loop(config: Config, announce: Callable[[str], None]) -> None:
    """Run until stopped, on uvloop: a sixth less of a core for each request than asyncio's loop."""
    try:
        import uvloop  # there is none for Windows
    except ModuleNotFoundError:
        asyncio.run(run(config, announce))
    else:
        uvloop.run(run(config, announce))
