"""What is said of edits themselves: that they were undone, or brought back."""

from __future__ import annotations

from attrs import frozen

from events.registry import event


@event("edits.undone")
@frozen(kw_only=True)
class EditsUndone:
    """Edits were undone: what they had changed is as it was before them.

    The changes that did it stand beside this or came before it, with `undo` as their correlation;
    this only ties them to what they undid. An edit is named by its stamp; the move of a file of
    which nobody ever said anything by that of `files.settled` and its step: `<stamp>-00007`.
    """

    #: Id of this undo.
    undo: str
    #: Edits that do not count any more.
    of: tuple[str, ...]
    #: Edits that count again, because what had undone them was undone.
    back: tuple[str, ...] = ()
