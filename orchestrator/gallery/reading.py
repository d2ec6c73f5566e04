"""What the share says when it refuses, in words of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.errors import FileMissing, FileUnreadable


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Around everything that looks at a file or folder of a request.

    Raises:
        FileMissing: it is not there.
        FileUnreadable: the share does not answer, or does not let us.
    """
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise FileMissing(str(path)) from exc
    except OSError as exc:
        raise FileUnreadable.because(path, exc) from exc
