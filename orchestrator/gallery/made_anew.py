"""Whether a picture that lies under another one's name is that one, edited, or was made anew. Pure.

Bytes cannot say it, since every edit changes them. How a picture was made stays in it through
retouching and saving; a new render, with another seed or prompt, says something else.
"""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.gallery.recipe import Recipe

#: Letters of a prompt that are compared: of a longer one not all is kept everywhere.
_LETTERS = 10_000


def made_otherwise(old: Recipe, new: Recipe) -> bool:
    """Whether both say how they were made, and something of it differently.

    What only one of them says is no difference, for many programs keep not all that they find.
    Only LoRAs can be none: a picture without them is another than one with them, if both say so
    much as their seeds. Samplers are not compared: every program has its own names for them.
    """
    if old.empty or new.empty:
        return False
    said = (
        (old.seed, new.seed),
        (_words(old.prompt), _words(new.prompt)),
        (_words(old.negative_prompt), _words(new.negative_prompt)),
        (_names(old.models), _names(new.models)),
        (old.steps, new.steps),
        (old.cfg, new.cfg),
    )
    if any(before != now for before, now in said if _is_said(before) and _is_said(now)):
        return True
    loras = _names(old.loras), _names(new.loras)
    tell = all(map(_is_said, loras)) or (old.seed is not None and new.seed is not None)
    return tell and loras[0] != loras[1]


def _is_said(value: object) -> bool:
    return value not in (None, "", frozenset())


def _words(text: str) -> str:
    return " ".join(text[:_LETTERS].split())


def _names(files: Iterable[str]) -> frozenset[str]:
    """Models without their folders and endings, which not every program tells."""
    return frozenset(_name(file) for file in files)


def _name(file: str) -> str:
    name = file.rpartition("/")[2].casefold()
    stem, _, ending = name.rpartition(".")
    return stem if stem and ending in _ENDINGS else name


_ENDINGS = frozenset({"safetensors", "sft", "ckpt", "pt", "pth", "bin", "gguf"})
