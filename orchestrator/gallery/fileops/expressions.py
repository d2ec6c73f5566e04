"""Find and replace by a regular expression that is known not to take for ever.

Pure. `re` cannot be stopped, and nothing else runs in the process while one name is searched: so
the worst case is computed from the text of the expression before it is used.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from math import comb

from attrs import Factory, define

from orchestrator.errors import PatternInvalid

#: Characters of an expression, and of what is put in place of what it finds.
MAX_REGEX = 200
#: Steps that a regular expression may take at worst, for one name and for all of a batch. A step
#: takes about 10 ns.
MAX_STEPS_OF_NAME = 5_000_000
MAX_STEPS = 500_000_000
#: Times that a regular expression may say something is repeated.
MAX_REPEAT = 255
#: Characters of a result that are kept; a name that long is refused anyway.
MAX_RESULT = 1000


def replaced(
    texts: Sequence[str], find: str, replace: str, *, ignore_case: bool = False
) -> Iterator[str]:
    r"""Each text with what was found in it replaced; `$1`, `${name}` and `\1` are groups.

    Raises:
        PatternInvalid: the expression or the replacement cannot be read, or could take too long.
    """
    pattern, cost = _find(find, ignore_case=ignore_case)
    replacement = _replacement(replace, pattern)
    lengths = Counter(map(len, texts))
    steps = {length: cost.steps(length) for length in lengths}
    total = sum(steps[length] * files for length, files in lengths.items())
    if total > MAX_STEPS or max(steps.values(), default=0) > MAX_STEPS_OF_NAME:
        told = "could take too long on these names; begin it with `^`, or use fewer `*`, `+`, `?`"
        raise PatternInvalid(find, f"{told} and `|`")
    return (pattern.sub(replacement, text)[:MAX_RESULT] for text in texts)


def _find(find: str, *, ignore_case: bool) -> tuple[re.Pattern[str], _Cost]:
    """The expression, and what it costs; refused if that cannot be told."""
    if not find:
        raise PatternInvalid(find, "is empty")
    if len(find) > MAX_REGEX:
        raise PatternInvalid(find, f"is longer than {MAX_REGEX} characters")
    try:
        pattern = re.compile(find, re.IGNORECASE if ignore_case else 0)
    except re.error as exc:
        raise PatternInvalid(find, f"cannot be read: {exc.msg}", exc.pos) from exc
    except (OverflowError, RecursionError) as exc:
        raise PatternInvalid(find, f"cannot be read: {exc}") from exc
    cost = _Cost(find)
    for part in _PART.finditer(find):
        cost.add(part)
    return pattern, cost


_DOLLAR = re.compile(r"\$(?:(\$)|([0-9]{1,2})|\{(\w+)\})")


def _replacement(text: str, pattern: re.Pattern[str]) -> str:
    """A replacement as `re` wants it, its groups known to exist."""
    if len(text) > MAX_REGEX:
        raise PatternInvalid(text, f"is longer than {MAX_REGEX} characters")
    found = _DOLLAR.sub(lambda group: group[1] or rf"\g<{group[2] or group[3]}>", text)
    try:
        pattern.sub(found, "")  # reads the replacement, whether it finds anything or not
    except (re.error, IndexError) as exc:
        raise PatternInvalid(text, f"cannot be read: {exc}") from exc
    return found


#: What a valid expression consists of, as far as its cost goes; other characters cost nothing.
_PART = re.compile(
    r"""
    (?P<back>    \\[0-9]+ )                                      # again what a group found
  | (?P<plain>   \\. | \[ \^? \]? (?: \\. | [^\]\\] )* \] )      # one character
  | (?P<barred>  \( \? (?: \# | [a-zA-Z-]*x ) )                  # a comment, or free spaces
  | (?P<opened>  \( \?? )
  | (?P<closed>  \) )
  | (?P<either>  \| )
  | (?P<repeat>  (?: [*+?] | \{ [0-9]+ \} | \{ [0-9]*,[0-9]* \} ) [?+]? )
  | (?P<other>   . )
    """,
    re.VERBOSE | re.DOTALL,
)


@define
class _Cost:
    """The steps that an expression can take at worst, told from its text.

    `re` tries all ways to divide a name among the repeats, and cannot be stopped. Where no repeat
    stands in another there are at most as many ways as there are to choose the ends of the
    repeats; so a group that repeats or chooses something must not itself be repeated.
    """

    find: str
    #: Repeats without an end.
    endless: int = 0
    #: Ways that the rest can go, multiplied.
    ways: int = 1
    #: Whether a match can only begin where the name does.
    anchored: bool = False
    #: For each open group, the expression itself first: whether it must not be repeated.
    groups: list[bool] = Factory(lambda: [False])
    #: The same of the group that has just ended; None after anything else.
    ended: bool | None = None

    def steps(self, length: int) -> int:
        """The most for one name of so many characters."""
        choices = self.endless + (not self.anchored)
        return length + comb(length + choices, choices) * self.ways

    def add(self, part: re.Match[str]) -> None:
        """Take the next part of the expression into account."""
        kind, text = part.lastgroup, part[0]
        if kind == "repeat":
            self._repeat(text, part.start())
        elif kind == "barred":
            raise PatternInvalid(self.find, "has a comment or the flag `x`", part.start())
        elif kind == "opened":
            self.groups.append(False)
        elif kind == "either":
            self.ways *= 2
            self.anchored = self.anchored and len(self.groups) > 1
            self.groups[-1] = True
        elif kind == "other" and part.start() == 0:
            self.anchored = text == "^"
        if kind == "closed":
            self.ended = self.groups.pop()
            self.groups[-1] |= self.ended
        else:
            self.ended = False if kind == "back" else None

    def _repeat(self, text: str, position: int) -> None:
        low, high = _bounds(text)
        if max(low, high or 0) > MAX_REPEAT:
            raise PatternInvalid(self.find, f"repeats more than {MAX_REPEAT} times", position)
        once = high == 1
        if self.ended and not once:
            told = "repeats a group in which something repeats or has alternatives"
            raise PatternInvalid(self.find, told, position)
        if high is None:
            self.endless += 1
        else:
            self.ways *= high - low + 1
        if self.ended is not None:
            self.ways *= max(low, 1)  # what is empty can be repeated for long
        if self.ended is not None or low != high:
            self.groups[-1] = True


def _bounds(repeat: str) -> tuple[int, int | None]:
    """The least and the most times; None is endless."""
    if repeat[0] != "{":
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[repeat[0]]
    low, comma, high = repeat[1 : repeat.index("}")].partition(",")
    if not comma:
        return int(low), int(low)
    return int(low or 0), int(high) if high else None
