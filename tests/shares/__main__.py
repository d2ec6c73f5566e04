"""`python -m tests.shares [ARGUMENT ...]`: the tests on real shares; arguments go to pytest.

Networks, mounts and processes of the tests are in namespaces of their own: nothing of this
machine is touched, and all vanishes with the last process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from tests.shares.needs import SetupError, provide

#: Told to the tests, so that they know that they are in namespaces of their own.
INSIDE = "ORCHESTRATOR_SHARES_INSIDE"
#: How the namespaces are made. Killing `unshare` kills all in them.
NAMESPACES = (
    *("--net", "--mount", "--propagation=private"),
    *("--pid", "--fork", "--kill-child", "--mount-proc"),
)


def in_ci() -> bool:
    """Whether what cannot be set up must fail."""
    return os.environ.get("CI", "").strip().lower() not in {"", "0", "false", "no"}


def main(arguments: Sequence[str]) -> int:
    """Set up and run; the exit code."""
    try:
        provide()
        _try_namespaces()
    except SetupError as exc:
        print(f"Real shares cannot be set up: {exc}", file=sys.stderr)
        return 1 if in_ci() else 0
    tests = [sys.executable, "-m", "pytest", "-n0", "-v", "-m", "shares", "tests/shares"]
    command = ["unshare", *NAMESPACES, *tests, *arguments]
    # Servers keep their files on a real disk: what lies in memory has fewer attributes.
    told = {INSIDE: "1", "PYTEST_DEBUG_TEMPROOT": tempfile.gettempdir()}
    return subprocess.run(command, check=False, env={**os.environ, **told}).returncode


def _try_namespaces() -> None:
    tried = subprocess.run(
        ["unshare", *NAMESPACES, "true"], check=False, capture_output=True, text=True
    )
    if tried.returncode:
        said = f"no namespaces can be made here: {tried.stderr.strip()}"
        raise SetupError(f"{said}; a container needs CAP_SYS_ADMIN and CAP_NET_ADMIN")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
