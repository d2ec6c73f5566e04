"""`python -m orchestrator`: the service, with config.yaml of the working directory."""

from __future__ import annotations

import argparse
import gc
import sys
from pathlib import Path

# A start makes half a million objects that all stay: looking for garbage among them is a fifth of
# its time. `orchestrator.serve` enables it again once the service is ready.
gc.disable()

from orchestrator.serve import main  # noqa: E402  # see above


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m orchestrator", description=__doc__)
    parser.add_argument("--config", type=Path, help="configuration file (default: config.yaml)")
    parser.add_argument("--host", help="address to listen on")
    parser.add_argument("--port", type=int, help="port to listen on")
    return parser.parse_args()


if __name__ == "__main__":
    chosen = arguments()
    sys.exit(main(chosen.config, chosen.host, chosen.port))
