"""Reads settings as A1111 and its relatives write them: prompt, negative prompt, one line of pairs.

Pure. The text has the form

    a castle in the mist, <lora:ink:0.8>
    Negative prompt: blurry
    Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512, Model: dream_v8

where every part may be missing, prompts may have several lines, and values with commas are quoted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from attrs import frozen

#: A name and its value; a quoted value may hold commas, and quotes behind backslashes.
_PAIR = re.compile(r'\s*(\w[\w /-]{0,60}):\s*("(?:\\.|[^\\"])*+"|[^,]*+)(?:,|$)')
_LORA = re.compile(r"<lora:([^:<>]+)(?::([^<>]*))?>", re.IGNORECASE)
_NEGATIVE = "Negative prompt:"
#: Letters of the line with settings; a longer last line is a prompt, or meant to keep us busy.
_MAX_LINE = 16_384
#: What the line of settings has at least one of; a prompt's last line may look like pairs too.
_TELLING = frozenset({"steps", "sampler", "cfg scale", "seed", "model", "model hash", "size"})
#: Digits of a number; a seed has up to 20.
_MAX_DIGITS = 40
#: Schedulers that stood at the end of a sampler's name before they had a place of their own.
_SCHEDULERS = ("Karras", "Exponential", "Polyexponential")


@frozen
class Settings:
    """What such a text says."""

    prompt: str = ""
    negative_prompt: str = ""
    model: str | None = None
    loras: tuple[str, ...] = ()
    sampler: str | None = None
    scheduler: str | None = None
    steps: int | None = None
    cfg: float | None = None
    seed: int | None = None


def settings(text: str) -> Settings:
    """Read settings; a text of another form is all prompt."""
    prompts, pairs = _parts(text)
    prompt, _, negative = f"\n{prompts}".partition(f"\n{_NEGATIVE}")
    sampler, scheduler = _sampler(pairs)
    hashed = (name.strip() for name, _ in _pairs(pairs.get("lora hashes", "")))
    return Settings(
        prompt=prompt.strip(),
        negative_prompt=negative.strip(),
        model=pairs.get("model"),
        loras=tuple(dict.fromkeys([*lora_tags(prompt), *hashed])),
        sampler=sampler,
        scheduler=scheduler,
        steps=_whole(pairs.get("steps")),
        cfg=_number(pairs.get("cfg scale")),
        seed=_whole(pairs.get("seed")),
    )


def looks_like_settings(text: str) -> bool:
    """Whether a text that stands where anybody may write anything is one of these."""
    return bool(_parts(text)[1])


def lora_tags(text: str) -> Iterator[str]:
    """Names of the LoRAs that a prompt asks for, as `<lora:name:0.8>`; weight 0 asks for none."""
    for name, weight in _LORA.findall(text):
        if _number(weight) != 0:
            yield name.strip()


def _parts(text: str) -> tuple[str, dict[str, str]]:
    """Both prompts, and the settings by their names in lower case."""
    prompts, _, last = text.strip().rpartition("\n")
    if len(last) > _MAX_LINE or last.startswith(_NEGATIVE):
        return text, {}
    pairs = {name.lower(): value for name, value in _pairs(last)}
    return (text, {}) if pairs.keys().isdisjoint(_TELLING) else (prompts, pairs)


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    for name, value in _PAIR.findall(line):
        bare = value.strip()
        if bare[:1] == '"' and bare[-1:] == '"':
            bare = re.sub(r"\\(.)", r"\1", bare[1:-1])
        yield name.strip(), bare


def _sampler(pairs: dict[str, str]) -> tuple[str | None, str | None]:
    sampler, scheduler = pairs.get("sampler"), pairs.get("schedule type")
    for known in _SCHEDULERS:
        if sampler is not None and scheduler is None and sampler.endswith(f" {known}"):
            return sampler.removesuffix(f" {known}"), known
    return sampler, scheduler


def _whole(text: str | None) -> int | None:
    if text is None or len(text) > _MAX_DIGITS or not re.fullmatch(r"-?\d+", text, re.ASCII):
        return None
    return int(text)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
