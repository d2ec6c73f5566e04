"""Names for outputs, from a template such as `{panel}/{project}_{panel}_v{version}`.

Pure. A rendered name is a relative path with `/` that every operating system can store, without
its extension, and it never leads out of its folder. Whatever stands in a token's value is made
safe; a template that could not be is refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping

from attrs import frozen
from pathvalidate import sanitize_filename

from orchestrator.errors import TemplateInvalid
from orchestrator.gallery.fileops.names import path_key

Tokens = Mapping[str, str | int]

#: What a template may use, and how many digits a number has if the template does not say.
TOKENS: dict[str, int | None] = {
    "project": None,
    "panel": None,
    "version": 3,
    "seed": 1,
    "date": None,
    "time": None,
    "workflow": None,
    "node": None,
    "index": 3,
    "job": None,
    "original": None,
}
#: Stands for a value that is missing, or of which nothing safe remains.
UNNAMED = "unnamed"
#: Bytes of one rendered name; the rest of 255 is for a suffix and the extension.
MAX_NAME_BYTES = 220
#: Bytes down to which values are shortened to make a name fit.
MIN_VALUE_BYTES = 8
#: Digits of a number that is never shortened; ComfyUI's seeds have up to 20.
MAX_DIGITS = 20
MAX_EXTENSION_BYTES = 16
#: Letters of a job's id in a name.
JOB_LETTERS = 8
MAX_TEMPLATE = 1000
MAX_DEPTH = 16

_TOKEN = re.compile(r"\{([^{}]*)\}")
_SPEC = re.compile(r"(\w+)(?::0?([1-9])d?)?")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f\ud800-\udfff<>:"|?*]')
#: A version that is still open, with its digits; no value can contain braces.
_OPEN = re.compile(r"\{([1-9])\}")


@frozen
class _Token:
    name: str
    #: Digits of a number, or None for text.
    width: int | None


def render(template: str, tokens: Tokens) -> str:
    """Fill a template; the answer is a safe relative path without extension.

    Args:
        template: Text and tokens in braces; `{version:4}` has four digits. `/` and a backslash
            both separate folders.
        tokens: Values by token name. A missing or blank one reads `unnamed`; a `job` is cut to
            its first 8 letters; other names than those of `TOKENS` are ignored.

    Raises:
        TemplateInvalid: An unknown token, an absolute path, `..`, or a name no system could have.
    """
    return _render(_parse(template), template, tokens)


def render_open(template: str, tokens: Tokens) -> str:
    """Fill all of a template but its version, for `next_version` and `next_name`.

    The open version reads `{3}`, its digits; no value can contain braces, so it is found again.

    Raises:
        TemplateInvalid: As `render`.
    """
    return _render(_parse(template, keep_version=True), template, tokens)


def next_version(existing: Iterable[str], pattern: str, ext: str) -> int:
    """The version after the highest that exists, at least 1.

    Args:
        existing: Names, relative to the same folder as the pattern. Case and composition (NFC)
            are ignored, as shares ignore them.
        pattern: From `render_open`.
        ext: The extension with its dot; "" looks at names of any extension.
    """
    pieces = _OPEN.split(path_key(pattern))[::2]
    ending = re.escape(path_key(ext)) if ext else r"(?:\.[^./]*)?"
    form = re.compile("([0-9]{1,18})".join(map(re.escape, pieces)) + ending)
    found = (form.fullmatch(path_key(name)) for name in existing)
    return max((_agreed(match) for match in found if match), default=0) + 1


def next_name(existing: Iterable[str], pattern: str, ext: str) -> str:
    """The pattern as a name that is not taken, with its extension.

    A pattern with a version gets the next one; without, `_2`, `_3` and so on is added if needed.

    Args:
        existing: As in `next_version`.
        pattern: From `render_open`.
        ext: The extension with its dot, or ""; made safe like any value.
    """
    taken = {path_key(name) for name in existing}
    ext = safe_extension(ext)
    base = _filled(pattern, next_version(taken, pattern, ext))
    name, number = base + ext, 2
    while path_key(name) in taken:
        name, number = f"{base}_{number}{ext}", number + 1
    return name


def safe_extension(ext: str) -> str:
    """An extension as it can stand in a name, with its dot; "" stays so."""
    return "." + safe_value(ext.lstrip("."), MAX_EXTENSION_BYTES) if ext else ""


def versioned(pattern: str, version: int, ext: str) -> str | None:
    """The name of one version; None if the pattern has no version.

    Args:
        pattern: From `render_open`.
        version: At least 1.
        ext: The extension with its dot, or ""; made safe like any value.
    """
    if _OPEN.search(pattern) is None:
        return None
    return _filled(pattern, version) + safe_extension(ext)


def version_in(name: str, pattern: str, ext: str) -> int | None:
    """The version in a name that was made of a pattern; None if it was not."""
    found = next_version([name], pattern, safe_extension(ext)) - 1
    return found or None


def _filled(pattern: str, version: int) -> str:
    base = _OPEN.sub(lambda match: str(version).zfill(int(match[1])), pattern)
    return "/".join(map(_unreserved, base.split("/")))


def safe_value(value: str | int, limit: int = MAX_NAME_BYTES) -> str:
    """A value as part of a name: NFC, no separators or braces, never empty, at most `limit` bytes.

    Dots and spaces at either end go: they hide a file, or vanish on Windows.
    """
    text = str(value).encode("utf-8", "replace").decode()
    text = unicodedata.normalize("NFC", "".join(c for c in text if not _invisible(c)))
    text = re.sub(r"[{}\x00-\x1f\x7f-\x9f]", "_", text)
    text = sanitize_filename(text, replacement_text="_", platform="universal", max_len=None)
    text = text.strip(". ").encode()[:limit].decode(errors="ignore").strip(". ")
    return text or UNNAMED


def _parse(template: str, *, keep_version: bool = False) -> list[list[str | _Token]]:
    """The folders and the name of a template, each as text and tokens."""
    text = template.replace("\\", "/")
    fault = _fault(text)
    if fault is not None:
        raise _refused(template, fault)
    parts = [list(_pieces(template, part, keep_version=keep_version)) for part in text.split("/")]
    for part in parts:
        first, last = part[0], part[-1]
        if isinstance(first, str) and first[0] in ". ":
            raise _refused(template, "has a name that begins with a dot or space")
        if isinstance(last, str) and last[-1] in ". ":
            raise _refused(template, "has a name that ends in a dot or space")
    return parts


def _fault(text: str) -> str | None:
    """What is wrong with a template as a path; None if nothing."""
    parts = text.split("/")
    if not text.strip():
        return "is empty"
    if len(text) > MAX_TEMPLATE or len(parts) > MAX_DEPTH:
        return f"is longer than {MAX_TEMPLATE} characters or deeper than {MAX_DEPTH} folders"
    if text.startswith("/") or re.match(r"[A-Za-z]:(/|$)", text):
        return "is an absolute path"
    if ".." in parts:
        return "has `..`"
    if "" in parts:
        return "has an empty folder name"
    literal = _TOKEN.sub("", text)
    if "{" in literal or "}" in literal:
        return "has a brace without its partner"
    if _UNSAFE.search(literal) or any(map(_invisible, literal)):
        return "has a character that some system refuses in names"
    return None


def _pieces(template: str, part: str, *, keep_version: bool) -> Iterator[str | _Token]:
    """The text and tokens of one name."""
    for index, piece in enumerate(_TOKEN.split(part)):
        if index % 2 == 0:
            if piece:
                yield unicodedata.normalize("NFC", piece)
            continue
        spec = _SPEC.fullmatch(piece)
        if spec is None or spec[1] not in TOKENS:
            raise _refused(template, f"has the unknown token {{{piece}}}")
        width = TOKENS[spec[1]]
        if spec[2] is not None and width is None:
            raise _refused(template, f"gives {{{spec[1]}}} a width, but it is text")
        token = _Token(spec[1], int(spec[2]) if spec[2] else width)
        yield f"{{{token.width}}}" if keep_version and spec[1] == "version" else token


def _render(parts: list[list[str | _Token]], template: str, tokens: Tokens) -> str:
    return "/".join(_name(part, template, tokens) for part in parts)


def _name(part: list[str | _Token], template: str, tokens: Tokens) -> str:
    """One folder or file name; long values are shortened until it fits."""
    limit = MAX_NAME_BYTES
    while limit >= MIN_VALUE_BYTES:
        name = "".join(p if isinstance(p, str) else _value(p, tokens, limit) for p in part)
        if len(name.encode()) <= MAX_NAME_BYTES:
            # Parts that are harmless alone can make a reserved name, or a letter, together.
            return _unreserved(unicodedata.normalize("NFC", name))
        limit //= 2
    raise _refused(template, f"makes a name longer than {MAX_NAME_BYTES} bytes")


def _value(token: _Token, tokens: Tokens, limit: int) -> str:
    value = str(tokens.get(token.name, ""))
    if token.width is not None and re.fullmatch(rf"[0-9]{{1,{MAX_DIGITS}}}", value):
        return value.zfill(token.width)
    return safe_value(value[:JOB_LETTERS] if token.name == "job" else value, limit)


def _unreserved(name: str) -> str:
    """The name, or with `_` where Windows reserves it: `CON` is `CON_`."""
    return sanitize_filename(name, replacement_text="_", platform="universal", max_len=None)


def _agreed(match: re.Match[str]) -> int:
    """The version of a name; 0 if it has none, or several that differ."""
    versions = {int(group) for group in match.groups()}
    return versions.pop() if len(versions) == 1 else 0


def _invisible(char: str) -> bool:
    """Whether it is a format character: zero width, or a turn of the writing direction."""
    return unicodedata.category(char) == "Cf"


def _refused(template: str, reason: str) -> TemplateInvalid:
    return TemplateInvalid(template=template, reason=reason, known=tuple(TOKENS))
