"""Which names a share takes, and how it gives them back. Blocks."""

from __future__ import annotations

import errno
from enum import StrEnum
from pathlib import Path
from unicodedata import normalize

from attrs import frozen

from tools.doctor.share import Share

#: Names that people and ComfyUI give, and the longest that Linux has: these must be taken.
ORDINARY = {
    "umlaut": "Größe.png",
    "emoji": "take 🎬.png",
    "asian": "猫の映画.png",
    "long": "n" * 251 + ".png",
}
#: Names that not every share can have, or not as they are.
ODD = {
    "trailing dot": "name.",
    "trailing space": "name ",
    "colon": "a:b.png",
    "question mark": "a?b.png",
    "asterisk": "a*b.png",
    "quote": 'a"b.png',
    "angle brackets": "a<b>.png",
    "pipe": "a|b.png",
    "backslash": "a\\b.png",
    "device": "CON",
    "device with suffix": "aux.png",
    "newline": "a\nb.png",
    "long in Asian letters": "猫" * 85,
}
_COMPOSED = normalize("NFC", "é.png")
_DECOMPOSED = normalize("NFD", "é.png")


class Fate(StrEnum):
    """What became of a name."""

    KEPT = "kept"
    CHANGED = "changed"
    REFUSED = "refused"


@frozen
class Named:
    """A name that was tried."""

    what: str
    fate: Fate
    #: The name under which it is listed; or the name of the error.
    detail: str = ""


@frozen
class Names:
    """How a share treats names."""

    ordinary: tuple[Named, ...]
    odd: tuple[Named, ...]
    #: Whether `a.png` and `A.png` are two files.
    case_sensitive: bool
    #: Whether the composed and the decomposed form of é are given back as they were given, and
    #: whether they are two files.
    forms_kept: bool
    forms_differ: bool


def measure_names(folder: Path, share: Share) -> Names:
    """Try names, each in a folder of its own.

    Raises:
        OSError: the share fails altogether.
    """
    share.make_folder(folder)
    return Names(
        tuple(_try(folder / f"ordinary-{n}", w, name, share) for n, (w, name) in _listed(ORDINARY)),
        tuple(_try(folder / f"odd-{n}", w, name, share) for n, (w, name) in _listed(ODD)),
        case_sensitive=_are_two(folder / "case", "a.png", "A.png", share),
        forms_kept=all(
            _try(folder / f"form-{n}", "", form, share).fate is Fate.KEPT
            for n, form in enumerate((_COMPOSED, _DECOMPOSED))
        ),
        forms_differ=_are_two(folder / "forms", _COMPOSED, _DECOMPOSED, share),
    )


def _listed(names: dict[str, str]) -> list[tuple[int, tuple[str, str]]]:
    return list(enumerate(names.items()))


def _try(folder: Path, what: str, name: str, share: Share) -> Named:
    share.make_folder(folder)
    try:
        share.write_file(folder / name, b"")
    except OSError as exc:
        return Named(what, Fate.REFUSED, errno.errorcode.get(exc.errno or 0, str(exc)))
    found = share.names(folder)
    if found == [name]:
        return Named(what, Fate.KEPT)
    return Named(what, Fate.CHANGED, ", ".join(found))


def _are_two(folder: Path, one: str, other: str, share: Share) -> bool:
    share.make_folder(folder)
    share.write_file(folder / one, b"")
    try:
        share.write_file(folder / other, b"")
    except FileExistsError:
        return False
    return len(share.names(folder)) == 2
