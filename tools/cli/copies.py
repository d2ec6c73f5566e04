"""Finding the copy that this host keeps of a project's log."""

from __future__ import annotations

import os
from pathlib import Path

from events.log.mirror import Mirror
from orchestrator.config import Config, load_config
from orchestrator.project import mirror_folder
from tools.cli.place import Place

DEFAULT_CONFIG = Path("config.yaml")


def settings_of(config: Path | None) -> Config:
    """The configuration that the service on this computer uses.

    Raises:
        ConfigInvalid: it cannot be read.
    """
    if config is None and DEFAULT_CONFIG.exists():
        config = DEFAULT_CONFIG
    return load_config(config, os.environ)


def copy_of(place: Place, config: Path | None) -> Mirror:
    """This host's copy of a project's log; without a line in it if it has none.

    Raises:
        ConfigInvalid: the configuration cannot be read.
    """
    folder = mirror_folder(settings_of(config).data_dir / "cache", place.project)
    return Mirror(folder, place.project)
