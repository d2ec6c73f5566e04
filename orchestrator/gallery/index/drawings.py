"""The two parts of a raw graph (`shared_graph`) that is like one before, found without a search.

Pure, but for what it remembers. A recognized graph (`gallery.alike`) tells its prompts and seeds.
If writing them into the drawing that another file has gives the drawing of this one, letter by
letter, then the two share the rest.
"""

from __future__ import annotations

from attrs import define, field, frozen

from orchestrator.gallery.alike import MAX_KINDS, Kind, Match
from orchestrator.gallery.index.shared_graph import (
    MIN_PROMPT,
    MIN_SEED,
    SEEDS,
    Parts,
    SharedGraph,
    shared_text,
)
from orchestrator.gallery.metadata import readable
from orchestrator.gallery.recipe import Form

#: Drawings of one kind of graph that are remembered: shots have one each, by their file's name.
_MAX_DRAWINGS = 4
#: Letters of the longest drawing that is remembered.
_MAX_DRAWING = 200_000


@frozen
class _Drawing:
    """What the files of one kind share if their drawings differ in prompts and seeds alone."""

    shared: SharedGraph
    #: How the holes are filled that stay, by number.
    kept: tuple[tuple[int, str], ...]
    #: The drawing's text, and in which of its pieces which hole stands.
    pieces: tuple[str, ...]
    slots: tuple[tuple[int, int], ...]

    def fits(self, drawing: str, spelled: list[str]) -> bool:
        """Whether a file with these texts in its holes shares this."""
        for hole, text in self.kept:
            if spelled[hole] != text:
                return False
        pieces = list(self.pieces)
        for at, hole in self.slots:
            pieces[at] = _bare(spelled[hole])
        return "".join(pieces) == drawing


@define
class _Known:
    """What is known of one kind of graph."""

    #: Holes that are taken out: prompts, and seeds.
    taken: tuple[int, ...]
    seeds: tuple[int, ...]
    own_seed: int | None
    drawings: tuple[_Drawing, ...] = ()

    @classmethod
    def of(cls, kind: Kind[Form]) -> _Known:
        """Which holes are what."""
        plan = kind.plan
        prompts = {*plan.prompt, *plan.negative_prompt}
        numbered = list(enumerate(zip(kind.holes, kind.types, strict=True)))
        own = plan.seed
        seeds = tuple(
            at
            for at, (hole, is_) in numbered
            if is_ is int and (hole == own or hole.input in SEEDS)
        )
        texts = [at for at, (hole, _) in numbered if hole in prompts]
        return cls(
            (*texts, *seeds),
            seeds,
            kind.holes.index(own) if own is not None and own in kind.holes else None,
        )

    def other(self, spelled: list[str]) -> str:
        """The seeds that the recipe does not have."""
        if len(self.seeds) < 2 and (not self.seeds or self.seeds[0] == self.own_seed):
            return ""
        own = None if self.own_seed is None else spelled[self.own_seed]
        return " ".join(sorted({spelled[at] for at in self.seeds} - {own or ""}))


@define
class SharedGraphs:
    """The drawings that were met last. Threads may share it: what one learns may be lost."""

    _kinds: dict[Kind[Form], _Known] = field(factory=dict)

    def parts(self, match: Match[Form], drawing: str) -> Parts:
        """The two parts of a recognized graph and its drawing.

        Args:
            match: The graph that ran.
            drawing: The graph as the editor saved it; "" if there is none.
        """
        known = self._kinds.get(match.kind)
        if known is None:
            if len(self._kinds) >= MAX_KINDS:
                self._kinds.clear()  # most of them are not even recognized any more
            known = self._kinds[match.kind] = _Known.of(match.kind)
        spelled = match.spelled
        for drawn in known.drawings:
            if drawn.fits(drawing, spelled):
                return Parts(drawn.shared, known.other(spelled))
        new = _drawing(match, known.taken, drawing)
        if len(drawing) <= _MAX_DRAWING:
            known.drawings = (new, *known.drawings)[:_MAX_DRAWINGS]
        return Parts(new.shared, known.other(spelled))


def _drawing(match: Match[Form], may_go: tuple[int, ...], drawing: str) -> _Drawing:
    """What others may share with a file."""
    spelled = match.spelled
    taken = [at for at in may_go if len(_bare(spelled[at])) >= _least(spelled[at])]
    # Texts and places of texts, in turn: what is taken out stands by its number.
    tokens: list[str | int] = [drawing]
    for hole in taken:
        text = _bare(spelled[hole])
        tokens = [part for token in tokens for part in _split(token, text, hole)]
    pieces = tuple(token if isinstance(token, str) else "" for token in tokens)
    slots = tuple((at, token) for at, token in enumerate(tokens) if isinstance(token, int))
    ran = [part for pair in zip(match.kind.pieces, _left(spelled, taken), strict=False)
           for part in pair]  # fmt: skip
    raw = "\n".join(filter(None, ("".join(pieces), "".join([*ran, match.kind.pieces[-1]]))))
    kept = tuple((at, text) for at, text in enumerate(spelled) if at not in taken)
    return _Drawing(shared_text(readable(raw)), kept, pieces, slots)


def _left(spelled: list[str], taken: list[int]) -> list[str]:
    return ["" if at in taken else text for at, text in enumerate(spelled)]


def _split(token: str | int, text: str, hole: int) -> list[str | int]:
    """A piece of text, cut wherever the text of a hole stands in it."""
    if isinstance(token, int):
        return [token]
    parts: list[str | int] = []
    for part in token.split(text):
        parts += [part, hole]
    return parts[:-1]


def _bare(spelled: str) -> str:
    """A string without its quotes; a number as it is."""
    return spelled[1:-1] if spelled[0] == '"' else spelled


def _least(spelled: str) -> int:
    return MIN_PROMPT if spelled[0] == '"' else MIN_SEED
