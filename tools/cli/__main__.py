"""`python -m tools.cli`: the command line without an installed console script."""

from __future__ import annotations

from tools.cli import main

main(prog_name="orchestrator")
