r"""Reading panel and version out of names, by a naming pattern such as `{panel}_v{version}`.

Pure. A pattern is text, tokens in braces, and the wildcards `*` and `?`; everything else stands for
itself, whatever its case. It is no regular expression: those can take for ever on a single name.
What a pattern becomes here takes at most time quadratic in the length of a name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from attrs import define, field, frozen

from orchestrator.errors import PatternInvalid
from orchestrator.gallery.media import MEDIA, suffix
from orchestrator.gallery.naming import MAX_DEPTH, MAX_TEMPLATE, TOKENS, safe_value

#: Digits of a number that fits into 64 bits, and of ComfyUI's seeds.
_DIGITS, _SEED_DIGITS = 18, 20
#: Most digits of the tokens that are numbers; a version and an index fit into 64 bits.
_NUMBERS = {"version": _DIGITS, "index": _DIGITS, "seed": _SEED_DIGITS}
_TOKEN = re.compile(r"\{([^{}]*)\}|([*]+)|([?])")
_SPEC = re.compile(r"(\w+)(?::0?[1-9]d?)?")
_ANY_ENDING = re.compile(r"\.(?:\*|\{ext\})\Z")
#: An escaped character that no folder's name begins with, as patterns of old have it.
_ESCAPED = re.compile(r"\\(?=[._-])")
#: What only a regular expression has.
_EXPRESSION = re.compile(r"\\[dwsDWSbB](?=[+*?{()\[\]\\])|\(\?|[<>\"|]|[\x00-\x1f\x7f]")
_LAST_NUMBER = re.compile(rf"(?<![0-9])([0-9]{{1,{_DIGITS}}})(?![0-9])(?!.*[0-9])")
#: Wildcards of one name that may try each place; the ones before these take the first that fits.
_FREE = 2


@frozen
class Read:
    """What a name says."""

    #: The panel as the name spells it; None if the pattern has none.
    panel: str | None
    #: The last number in the panel.
    panel_number: int | None
    version: int | None
    #: The version as the name spells it: `006`.
    version_digits: str | None


@frozen
class Matcher:
    """A pattern, ready to read many names."""

    #: How many names of a path, its last ones, the pattern speaks of.
    depth: int
    #: Whether the ending of a name is a part of the pattern.
    whole_name: bool
    #: Tried in this order.
    _forms: tuple[re.Pattern[str], ...]
    #: The groups that hold versions.
    _versions: tuple[str, ...]

    @property
    def has_version(self) -> bool:
        """Whether the pattern speaks of a version."""
        return bool(self._versions)

    def read(self, parts: Sequence[str]) -> Read | None:
        """What the last names of a path say; None if they do not fit the pattern."""
        if len(parts) < self.depth:
            return None
        *folders, name = parts[len(parts) - self.depth :]
        if not self.whole_name:
            name = name[: len(name) - len(suffix(name))]
        text = unicodedata.normalize("NFC", "/".join((*folders, name)))
        return next((read for form in self._forms if (read := self._read(form, text))), None)

    def _read(self, form: re.Pattern[str], text: str) -> Read | None:
        match = form.fullmatch(text)
        if match is None:
            return None
        digits = [match[name] for name in self._versions]
        if len(set(map(int, digits))) > 1:
            return None  # the name contradicts itself
        panel = match["panel"] if "panel" in form.groupindex else None
        return Read(
            panel=panel,
            panel_number=None if panel is None else last_number(panel),
            version=int(digits[-1]) if digits else None,
            version_digits=digits[-1] if digits else None,
        )


def last_number(text: str) -> int | None:
    """The last number in a text: 3 of `Panel_03`; None if it has none, or one past 64 bits."""
    found = _LAST_NUMBER.search(text)
    return int(found[1]) if found else None


def matcher(
    pattern: str, *, panel: str = "", project: str = "", name_only: bool = False
) -> Matcher:
    r"""Prepare a pattern.

    Args:
        pattern: `{project}`, `{panel}` and the other tokens of naming templates; a width, as in
            `{version:4}`, is not looked at. A token that stands twice must have the same value
            both times. `/` and a backslash separate folders, and the last names of a path are
            read. An ending of a media file must match, any other (or `.*`) may be what it likes.
        panel: If given, `{panel}` is this text, or the last number in it.
        project: If given, `{project}` is this text where that fits, else any.
        name_only: Leave out what the pattern says of folders.

    Raises:
        PatternInvalid: with the reason.
    """
    parts = _parts(pattern)[-1 if name_only else 0 :]
    whole_name = suffix(parts[-1]) in MEDIA
    texts = {"panel": _panel_form(panel)} if panel else {}
    known = [{**texts, "project": _project_form(project)}] if project else []
    forms = [_Writer(pattern, fixed) for fixed in (*known, texts)]
    compiled = tuple(re.compile(form.write(parts), re.IGNORECASE) for form in forms)
    return Matcher(len(parts), whole_name, compiled, tuple(forms[-1].versions))


def _parts(pattern: str) -> list[str]:
    """The names of a pattern."""
    if len(pattern) > MAX_TEMPLATE:
        raise PatternInvalid(pattern, f"is longer than {MAX_TEMPLATE} characters")
    if (found := _EXPRESSION.search(pattern)) is not None:
        reason = "has what no name has; use * and ?, not regular expressions"
        raise _refused(pattern, reason, found.start())
    text = _ESCAPED.sub("", pattern).replace("\\", "/")
    parts = [part for part in unicodedata.normalize("NFC", text).split("/") if part.strip()]
    if not parts:
        raise PatternInvalid(pattern, "is empty")
    if len(parts) > MAX_DEPTH:
        raise PatternInvalid(pattern, f"has more than {MAX_DEPTH} folders")
    parts[-1] = _ANY_ENDING.sub("", parts[-1]) or "*"
    return parts


@define
class _Writer:
    """Writes one pattern as a regular expression that cannot take long."""

    pattern: str
    #: What some tokens are known to be.
    known: dict[str, str]
    #: The names of the groups that hold versions.
    versions: list[str] = field(factory=list)
    _seen: set[str] = field(factory=set)
    _groups: int = 0

    def write(self, parts: list[str]) -> str:
        """The whole: a folder that fits is never gone back into."""
        *folders, name = [self._name(part) for part in parts]
        return "".join(f"(?>{folder}/)" for folder in folders) + name

    def _name(self, part: str) -> str:
        """One name: what stands for itself, and wildcards with what follows each."""
        head, wild = "", list[list[str]]()
        before = ""
        for kind, form in self._pieces(part):
            self._check(before, kind, form)
            if kind == "any":
                wild.append([form, ""])
            elif wild:
                wild[-1][1] += form
            else:
                head += form
            before = kind
        first = max(0, len(wild) - _FREE)
        # What follows is found at its first place; since wildcards come after it, later places
        # would open no way that this one does not.
        firm = "".join(f"(?>{each}{then})" for each, then in wild[:first])
        return head + firm + "".join(each + then for each, then in wild[first:])

    def _pieces(self, part: str) -> Iterator[tuple[str, str]]:
        """What a name is made of: the kind of each piece (`text`, `number`, `any`), and its form.

        Text is looked at by `_check`: it comes as it must be matched.
        """
        at = 0
        for found in _TOKEN.finditer(part):
            text = part[at : found.start()]
            yield from self._literal(text)
            if found[1] is not None:
                yield self._token(found[1], after_digit=text[-1:].isdigit())
            elif found[2]:
                yield "any", "[^/]*?"
            else:
                yield "one", "[^/]"
            at = found.end()
        yield from self._literal(part[at:])

    def _literal(self, text: str) -> Iterator[tuple[str, str]]:
        if "{" in text or "}" in text:
            raise _refused(self.pattern, "has a brace without its partner")
        if text:
            yield "text", re.escape(text)

    def _token(self, spec: str, *, after_digit: bool) -> tuple[str, str]:
        found = _SPEC.fullmatch(spec)
        name = found[1] if found else ""
        if name not in TOKENS:
            raise _refused(self.pattern, f"has the unknown token {{{spec}}}")
        if name in _NUMBERS:
            return "number", self._number(name, after_digit=after_digit)
        if name in self._seen:
            return "text", f"(?P={name})"
        self._seen.add(name)
        if name in self.known:
            return "text", f"(?P<{name}>{self.known[name]})"
        return "any", f"(?P<{name}>[^/]+?)"

    def _number(self, name: str, *, after_digit: bool) -> str:
        """A number, whole: none of its digits is given back, or taken by a wildcard before it."""
        self._groups += 1
        group = f"{name}_{self._groups}"
        if name == "version":
            self.versions.append(group)
        letter = "v?+" if name == "version" else ""
        begin = "" if after_digit else "(?<![0-9])"
        return f"{letter}{begin}(?P<{group}>[0-9]{{1,{_NUMBERS[name]}}}+)(?![0-9])"

    def _check(self, before: str, kind: str, form: str) -> None:
        """Refuse what nobody could read: where one ends and the next begins must be visible."""
        beside = (before, kind)
        digit = kind == "text" and form[:1].isdigit()
        if beside in (("any", "any"), ("number", "number")) or (before == "number" and digit):
            raise _refused(self.pattern, "has two tokens, or a token and a digit, side by side")


def _panel_form(panel: str) -> str:
    """A panel by its name, or by the last number in it, with any zeros before."""
    number = last_number(panel)
    return _plain(panel) if number is None else f"(?:{_plain(panel)}|0*+{number}(?![0-9]))"


def _project_form(project: str) -> str:
    """A project by its name, or as that stands in the names of files."""
    return f"(?:{_plain(project)}|{_plain(safe_value(project))})"


def _plain(text: str) -> str:
    return re.escape(unicodedata.normalize("NFC", text))


def _refused(pattern: str, reason: str, position: int | None = None) -> PatternInvalid:
    return PatternInvalid(pattern, reason, position, tuple(TOKENS))
