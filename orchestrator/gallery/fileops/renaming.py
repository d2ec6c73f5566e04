"""New names for many files: from a template, by a regular expression, or numbered.

Pure. Files keep their folder, their order and, unless whole names are searched, their extension.
Whether a file can have the name that it is wished is not asked here: `arrange` says so for each.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import PureWindowsPath

from attrs import frozen

from orchestrator.errors import PatternInvalid
from orchestrator.gallery.fileops.expressions import replaced
from orchestrator.gallery.fileops.names import check_text, split_name
from orchestrator.gallery.naming import UNNAMED, safe_value

#: Characters of a template.
MAX_TEMPLATE = 1000


@frozen
class Subject:
    """A file that shall get a new name."""

    #: Relative to the project, with `/`.
    path: str
    #: What `{date}` and the like show, in the time zone that people expect to see.
    created: datetime
    seed: int | None = None
    #: As its metadata name it; a folder or an extension in it isn't shown.
    model: str | None = None

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.rpartition("/")[2]


@frozen
class ByTemplate:
    """A name with tokens in braces; `{{` and `}}` stand for braces."""

    template: str
    #: The first `{seq}` and `{index}`.
    start: int = 1
    #: Digits of a number whose token names none.
    digits: int = 3


@frozen
class ByRegex:
    r"""Find and replace in the stem; `$1`, `${name}`, `\1` and `\g<name>` are groups."""

    find: str
    replace: str
    #: Search the extension too.
    whole_name: bool = False
    ignore_case: bool = False


@frozen
class Numbered:
    """A text and a rising number."""

    prefix: str
    start: int = 1
    digits: int = 3


Mode = ByTemplate | ByRegex | Numbered


@frozen
class Wish:
    """A file and the name that it shall get, which may be the one it has."""

    path: str
    new_name: str


def wanted_names(subjects: Sequence[Subject], mode: Mode, project: str) -> list[Wish]:
    """The name that each file shall get, in the order given.

    Args:
        subjects: The files; numbers rise in this order.
        mode: How names are made.
        project: The project's name.

    Raises:
        PatternInvalid: The mode's pattern cannot be read, would lead to another folder, or is a
            regular expression that could take for ever on these names.
    """
    match mode:
        case ByTemplate():
            names = _by_template(subjects, mode, project)
        case ByRegex():
            names = _by_regex(subjects, mode)
        case Numbered():
            names = _numbered(subjects, mode)
    return [Wish(subject.path, name) for subject, name in zip(subjects, names, strict=True)]


# Templates


@frozen
class _Facts:
    """One file as tokens see it."""

    subject: Subject
    project: str
    number: int
    digits: int

    @property
    def folders(self) -> list[str]:
        """From the project down to the file's folder; empty at the top."""
        return self.subject.path.split("/")[:-1]


_safe = lru_cache(maxsize=4096)(safe_value)
_WEIGHTS = frozenset({".safetensors", ".ckpt", ".pt", ".pth", ".gguf", ".sft", ".bin", ".onnx"})


def _model(facts: _Facts) -> str:
    path = PureWindowsPath(facts.subject.model or "")  # takes both kinds of separators
    return _safe(path.stem if path.suffix.lower() in _WEIGHTS else path.name)


def _time(form: str) -> Callable[[_Facts], str]:
    return lambda facts: facts.subject.created.strftime(form)


_NUMBERS = frozenset({"seq", "index"})
_WIDTH = re.compile(r"0?([1-9])d?")
#: Every token and what it reads for a file. `original` is the stem as it is; other texts are made
#: safe for a name. What is unknown reads `unnamed`, as in the names of outputs.
_TOKENS: dict[str, Callable[[_Facts], str]] = {
    "project": lambda facts: _safe(facts.project),
    "panel": lambda facts: _safe([*facts.folders, facts.project][0]),
    "seq": lambda facts: str(facts.number).zfill(facts.digits),
    "original": lambda facts: split_name(facts.subject.name)[0],
    "index": lambda facts: str(facts.number).zfill(facts.digits),
    "date": _time("%Y-%m-%d"),
    "time": _time("%H-%M-%S"),
    "year": _time("%Y"),
    "month": _time("%m"),
    "day": _time("%d"),
    "folder": lambda facts: _safe([facts.project, *facts.folders][-1]),
    "ext": lambda facts: split_name(facts.subject.name)[1][1:] or UNNAMED,
    "seed": lambda facts: UNNAMED if facts.subject.seed is None else str(facts.subject.seed),
    "model": _model,
}
TOKENS = tuple(_TOKENS)


@frozen
class _Token:
    name: str
    #: Digits, if the template says how many.
    digits: int | None


def _by_template(subjects: Sequence[Subject], mode: ByTemplate, project: str) -> Iterator[str]:
    pieces = _pieces(mode.template)
    last = pieces[-1] if pieces and isinstance(pieces[-1], str) else ""
    for number, subject in enumerate(subjects, mode.start):
        name = ""
        for piece in pieces:
            if isinstance(piece, str):
                name += piece
            else:
                facts = _Facts(subject, project, number, piece.digits or mode.digits)
                name += _TOKENS[piece.name](facts)
        extension = split_name(subject.name)[1]
        yield name if last.lower().endswith(extension.lower()) else name + extension


def _pieces(template: str) -> list[str | _Token]:
    """Texts and tokens; a final `{ext}` is left out, since the extension is kept anyway."""
    if not template.strip():
        raise _bad_template(template, "is empty")
    if len(template) > MAX_TEMPLATE:
        raise _bad_template(template, f"is longer than {MAX_TEMPLATE} characters")
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as exc:
        raise _bad_template(template, "has a brace without its partner") from exc
    pieces: list[str | _Token] = []
    for text, name, width, conversion in parsed:
        fault = check_text(text)
        if fault is not None:
            raise _bad_template(template, f"cannot be part of a name: {fault}")
        pieces.append(text)
        if name is not None:
            pieces.append(_token(template, name, width or "", conversion))
    if pieces[-1] == _Token("ext", None):
        pieces[-2:] = [str(pieces[-2]).removesuffix(".")]
    return pieces


def _token(template: str, name: str, width: str, conversion: str | None) -> _Token:
    if name not in _TOKENS or conversion:
        raise _bad_template(template, f"has the unknown token {{{name}}}")
    if not width:
        return _Token(name, None)
    digits = _WIDTH.fullmatch(width)
    if digits is None or name not in _NUMBERS:
        raise _bad_template(template, f"gives {{{name}}} a width that it cannot have")
    return _Token(name, int(digits[1]))


def _bad_template(template: str, reason: str) -> PatternInvalid:
    return PatternInvalid(pattern=template, reason=reason, known=TOKENS)


# Numbers


def _numbered(subjects: Sequence[Subject], mode: Numbered) -> Iterator[str]:
    fault = check_text(mode.prefix)
    if fault is not None:
        raise PatternInvalid(pattern=mode.prefix, reason=f"cannot be part of a name: {fault}")
    for number, subject in enumerate(subjects, mode.start):
        yield f"{mode.prefix}{number:0{mode.digits}}{split_name(subject.name)[1]}"


# Regular expressions


def _by_regex(subjects: Sequence[Subject], mode: ByRegex) -> Iterator[str]:
    parts = [(s.name, "") if mode.whole_name else split_name(s.name) for s in subjects]
    texts = [text for text, _ in parts]
    found = replaced(texts, mode.find, mode.replace, ignore_case=mode.ignore_case)
    for text, (_, extension) in zip(found, parts, strict=True):
        yield text + extension
