"""File names: which a person may give, which a share takes for one, and which belong together.

Pure. A new name has to suit every system that may see the share; names that are there already are
taken as they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import count

from attrs import frozen

from orchestrator.errors import NameInvalid
from orchestrator.gallery.media import is_hidden, is_media, suffix
from orchestrator.paths.roots import MAX_NAME_BYTES

#: Suffixes of files that describe another one of the same name, in lower case.
SIDECARS = frozenset({".json", ".txt", ".xmp"})

#: Refused by Windows, and by shares that Windows machines use.
_UNSAFE = re.compile(r'[<>:"|?*]')
#: An ending that is an extension, not the rest of a sentence: `Dr. Smith at work` has none.
_EXTENSION = re.compile(r"(.+)(\.[^.\s]{1,16})", re.DOTALL)
#: Characters that break a line where no control character does.
_LINE_BREAKS = frozenset({"Cc", "Zl", "Zp"})
#: Invisible, but part of the spelling inside emoji and in Persian or Indian words.
_JOINERS = "\u200c\u200d"
#: Names that Windows keeps for devices, with any extension. pathvalidate knows most of them, but
#: takes 25 microseconds for each name of a batch.
_DEVICE = re.compile(r"(con|prn|aux|nul|clock\$|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?", re.I)
#: Nearly all names that programs make up: too long for a device, too short for any limit, and
#: ending as nothing does that other programs keep on shares. One look instead of nine.
_PLAIN = re.compile(r"[-\w]{5,200}\.(?!db|ini)\w{2,5}", re.ASCII | re.IGNORECASE)


def check_name(name: str) -> str | None:
    """Why a file cannot be given this new name; None if it can.

    The reason continues a sentence, such as "it is empty".
    """
    if _PLAIN.fullmatch(name) is not None:
        return None
    if not name.strip():
        return "it is empty"
    if name in {".", ".."}:
        return "it stands for a folder"
    fault = check_text(name)
    if fault is not None:
        return fault
    if len(name.encode()) > MAX_NAME_BYTES:
        return f"it is longer than {MAX_NAME_BYTES} bytes"
    if name.startswith("."):
        return "it begins with a dot, which hides it"
    if name[0] == " " or name[-1] in ". ":
        return "it begins with a space, or ends in a dot or space, which Windows drops"
    if is_hidden(name):
        return "another program uses that name"
    if _DEVICE.fullmatch(name):
        return "Windows reserves it for a device"
    return None


def check_text(text: str) -> str | None:
    """Why a text cannot be part of a new name, by its characters alone; None if it can."""
    if "/" in text or "\\" in text:
        return "it has a separator of folders"
    found = _UNSAFE.search(text)
    if found is not None:
        return f"it has the character {found[0]!r}, which Windows refuses"
    if text.isascii() and text.isprintable():
        return None
    categories = [unicodedata.category(char) for char in text]
    if not _LINE_BREAKS.isdisjoint(categories):
        return "it has control characters"
    if "Cs" in categories:
        return "it is not valid Unicode"
    if any(kind == "Cf" and not _joins(text, at) for at, kind in enumerate(categories)):
        return "it has invisible characters"
    return None


def accepted_name(name: str) -> str:
    """A new name as it was given.

    Raises:
        NameInvalid: Some system could not have it, or the gallery would not show it.
    """
    reason = check_name(name)
    if reason is not None:
        raise NameInvalid(name=name, reason=reason)
    return name


def name_key(name: str) -> str:
    """What all names have in common that some share takes for one.

    Case and Unicode form do not count, and invisible characters do not either. Some shares tell
    more names apart; whoever goes by the key is safe on all of them.
    """
    if name.isascii():
        return name.lower()
    visible = "".join(char for char in name if unicodedata.category(char) != "Cf")
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", visible).casefold())


def path_key(path: str) -> str:
    """The `name_key` of every name in a relative path with `/`."""
    if path.isascii():
        return path.lower()
    return "/".join(map(name_key, path.split("/")))


def path_keys(paths: Sequence[str]) -> list[str]:
    """The `path_key` of each; many plain ones take little longer than one."""
    text = "\n".join(paths)
    keys = text.lower().split("\n") if text.isascii() else []
    # A name may have a line break in it.
    return keys if len(keys) == len(paths) else [path_key(path) for path in paths]


def same_name(a: str, b: str) -> bool:
    """Whether some share takes two names for one."""
    return name_key(a) == name_key(b)


def split_name(name: str) -> tuple[str, str]:
    """The stem and the extension with its dot, spelled as in the name; "" if it has none."""
    found = _EXTENSION.fullmatch(name)
    return (found[1], found[2]) if found else (name, "")


def variants(name: str) -> Iterator[str]:
    """The name with `_1`, `_2` and so on before its extension, without end.

    A number that the name has already stays as it is: `frame_0001.png` must not become the next
    frame. A long stem is shortened until the name has 255 bytes.
    """
    stem, extension = split_name(name)
    for number in count(1):
        ending = f"_{number}{extension}"
        yield _cut(stem, MAX_NAME_BYTES - _size(ending)) + ending


def free_variant(name: str, taken_keys: Container[str]) -> str:
    """The first of the name's `variants` that is not taken.

    Args:
        name: A file name that is taken; the name itself is not considered.
        taken_keys: The `name_key` of every name in the folder.
    """
    return next(variant for variant in variants(name) if name_key(variant) not in taken_keys)


@frozen
class Sidecars:
    """Which sidecars of one folder belong to which media; made once for many questions."""

    #: By the key of what is left without `.json`, `.txt` or `.xmp`.
    _sidecars: dict[str, list[str]]
    #: Media by the keys that their sidecars have: of the stem, and of the whole name.
    _owners: dict[str, list[str]]

    @classmethod
    def among(cls, names: Iterable[str]) -> Sidecars:
        """Sort the names of one folder."""
        sidecars: dict[str, list[str]] = {}
        owners: dict[str, list[str]] = {}
        for name in sorted(names):
            if is_media(name):
                for base in _bases(name):
                    owners.setdefault(base, []).append(name)
            elif suffix(name) in SIDECARS:
                sidecars.setdefault(name_key(split_name(name)[0]), []).append(name)
        return cls(sidecars, owners)

    def of(self, media: str, together: Container[str] = ()) -> list[str]:
        """The sidecars that go where a file goes, none of them twice.

        `shot.json` beside `shot.png` and `shot.mp4` is ambiguous: it describes one of them, and
        nothing says which. It stays where it is, unless both go together; then it goes with the
        first of them by name, and only with that one.

        Args:
            media: A name of this folder; what is no media has no sidecars.
            together: Names of files that get the same new folder and stem as this one.
        """
        found: list[str] = []
        for base in _bases(media):
            owners = self._owners.get(base, [])
            alone = all(owner == media or owner in together for owner in owners)
            if alone and owners[:1] == [media]:
                found += self._sidecars.get(base, [])
        return found


def sidecars_of(
    name: str, names_in_folder: Iterable[str], together: Container[str] = ()
) -> list[str]:
    """The sidecars of one file; for many files of a folder ask one `Sidecars`, as this does."""
    return Sidecars.among(names_in_folder).of(name, together)


def sidecar_name(old_media: str, new_media: str, sidecar: str) -> str:
    """What a file is called after the one that it belongs to was renamed.

    `shot.json` follows the stem, `shot.png.json` the whole name. The file may also be another
    media file with the same stem.

    Raises:
        ValueError: The file is not named after the media file.
    """
    base, extension = split_name(sidecar)
    if same_name(base, old_media):
        return new_media + extension
    if same_name(base, split_name(old_media)[0]):
        return split_name(new_media)[0] + extension
    raise ValueError(f"{sidecar!r} is not named after {old_media!r}")


def _bases(media: str) -> tuple[str, str]:
    return name_key(split_name(media)[0]), name_key(media)


def _joins(text: str, at: int) -> bool:
    """Whether the character is a joiner between two that can be joined."""
    around = text[at - 1 : at] + text[at + 1 : at + 2]
    joined = [c for c in around if not c.isascii() and unicodedata.category(c) != "Cf"]
    return text[at] in _JOINERS and len(joined) == 2


def _size(text: str) -> int:
    """Bytes of a text that may stem from a name that is no valid Unicode."""
    return len(text.encode("utf-8", "surrogatepass"))


def _cut(stem: str, limit: int) -> str:
    """As much of a stem as fits into so many bytes, without a joiner that joins nothing."""
    if _size(stem) <= limit:
        return stem
    while _size(stem) > limit:
        stem = stem[:-1]
    return stem.rstrip(_JOINERS)
