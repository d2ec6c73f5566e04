#!/usr/bin/env python3
"""Everything there is to run, on a machine with nothing but Python 3.11 to 3.13.

It uses the standard library only: it makes `.venv` beside the code, installs the locked
dependencies into it, and runs the task there. Run it without arguments for the list.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
OLDEST, NEWEST = (3, 11), (3, 13)

Task = Callable[[list[str]], int]


def python() -> Path:
    """The interpreter of `.venv`."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def prepare(lock: str) -> None:
    """Make `.venv`, or bring it up to date, from a lock file; does nothing if it is."""
    content = (ROOT / lock).read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    wanted = hashlib.sha256(content).hexdigest()
    marker = VENV / f".installed-{lock}"
    if marker.exists() and marker.read_text() == wanted and python().exists():
        return
    if not python().exists():
        print(f"Making {VENV} ...", flush=True)
        make_environment()
    print(f"Installing {lock} ...", flush=True)
    pip = [str(python()), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    call([*pip, "--require-hashes", "--requirement", str(ROOT / lock)])
    call([*pip, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)])
    marker.write_text(wanted)


def make_environment() -> None:
    """Make an empty `.venv` with pip."""
    try:
        venv.create(VENV, with_pip=True)
    except (subprocess.CalledProcessError, ModuleNotFoundError, SystemExit) as exc:
        shutil.rmtree(VENV, ignore_errors=True)
        raise SystemExit(
            f"This Python cannot make a virtual environment ({exc}). On Debian and Ubuntu: "
            "apt install python3-venv"
        ) from exc


def call(command: list[str]) -> None:
    """Run a command; end with its code if it fails."""
    code = run(command)
    if code:
        raise SystemExit(f"failed with {code}: {' '.join(command)}")


def run(command: list[str], **environment: str) -> int:
    """Run a command in the project's folder; Ctrl-C and SIGTERM are the command's to handle."""
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment})
    ending: list[int] = []

    def pass_on(number: int, _: object) -> None:
        ending.append(number)
        process.terminate()

    before = signal.signal(signal.SIGTERM, pass_on)
    try:
        code = wait(process)
    finally:
        signal.signal(signal.SIGTERM, before)
    if ending:  # whoever asked us to end wants no further command either
        raise SystemExit(code if code >= 0 else 128 - code)
    return code


def wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for a command; a terminal sends Ctrl-C to it as well."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def module(name: str, *arguments: str) -> int:
    """Run a module in `.venv`."""
    return run([str(python()), "-m", name, *arguments])


def demo(arguments: list[str]) -> int:
    """Sample project, two simulated backends and the service; `--once` runs the main job."""
    prepare("requirements.lock")
    return module("tools.cli", "demo", *arguments)


def serve(arguments: list[str]) -> int:
    """The service, with config.yaml."""
    prepare("requirements.lock")
    return module("tools.cli", "serve", *arguments)


def test(arguments: list[str]) -> int:
    """All tests of the default run; arguments go to pytest."""
    prepare("requirements-dev.lock")
    parallel = [] if any(a.startswith("-n") for a in arguments) else ["-n", "3"]
    return module("pytest", *parallel, *arguments)


def check(arguments: list[str]) -> int:
    """Style, types and import contracts."""
    prepare("requirements-dev.lock")
    steps = (
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy",),
        ("importlinter.cli", "lint"),
    )
    codes = [lint_imports() if s[0] == "importlinter.cli" else module(*s) for s in steps]
    return max(codes)


def lint_imports() -> int:
    """Import contracts of pyproject.toml."""
    return run([str(python().with_name("lint-imports"))])


def comfyui(arguments: list[str]) -> int:
    """Tests against two real ComfyUI servers, which are laid out first if need be (1.5 GB)."""
    prepare("requirements-dev.lock")
    return module("pytest", "-m", "comfyui", "-v", "tests/comfyui_real", *arguments)


def shares(arguments: list[str]) -> int:
    """Tests of two hosts on real SMB and NFS; installs file servers if need be (Linux, root)."""
    prepare("requirements-dev.lock")
    return module("tests.shares", *arguments)


def campaign(arguments: list[str]) -> int:
    """The slow fault campaigns."""
    prepare("requirements-dev.lock")
    return module("pytest", "-n", "2", "-m", "campaign", *arguments)


def bench(arguments: list[str]) -> int:
    """Benchmarks, each beside its reference; prints a table and JSON."""
    prepare("requirements-dev.lock")
    return module("benchmarks", *arguments)


TASKS: dict[str, Task] = {
    "demo": demo,
    "test": test,
    "serve": serve,
    "check": check,
    "comfyui": comfyui,
    "shares": shares,
    "campaign": campaign,
    "bench": bench,
}


def main(arguments: list[str]) -> int:
    """Run the named task."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        print(f"Python {sys.version.split()[0]} will not do; use 3.11, 3.12 or 3.13.")
        return 2
    if not arguments or arguments[0] not in TASKS:
        print("usage: python3 tools/run.py TASK [ARGUMENT ...]\n")
        for name, task in TASKS.items():
            print(f"  {name:<9} {task.__doc__}")
        return 0 if not arguments or arguments[0] in {"-h", "--help", "help"} else 2
    return TASKS[arguments[0]](arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
