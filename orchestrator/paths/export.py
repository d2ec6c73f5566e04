"""Path mappings as the text of a config.yaml, for people who want to keep them there. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from orchestrator.paths.mappings import OS_NAMES, PathMapping, is_absolute

_HEAD = "# To keep these mappings, put them into config.yaml in place of its `path_mappings`.\n"


def as_yaml(mappings: Iterable[PathMapping]) -> str:
    """The key `path_mappings` as our own loader reads it.

    Sides that are not whole yet are left out, because the loader refuses them.
    """
    document = {"path_mappings": [_entry(mapping) for mapping in mappings]}
    # A folded line could begin with a tab, which the loader takes for indentation.
    endless = 1 << 30
    return _HEAD + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=endless)


def _entry(mapping: PathMapping) -> dict[str, Any]:
    sides: dict[str, str] = {
        name: side for name in OS_NAMES if is_absolute(side := mapping.side(name), name)
    }
    name = " ".join(mapping.name.split())
    return {"id": mapping.id, "name": name, **sides, "enabled": mapping.enabled}
