"""docs/errors.md tells of every code, with its status and remedy as the code has them."""

from __future__ import annotations

import re
from pathlib import Path

from orchestrator import errors
from orchestrator.errors import ConfigInvalid, OrchestratorError
from orchestrator.http.middleware import HTTP_CODES, status_of

PAGE = (Path(__file__).parents[2] / "docs" / "errors.md").read_text("utf-8")
#: Code to the other cells of its row.
ROWS = {
    row[0]: row[1:]
    for line in PAGE.splitlines()
    if len(row := [cell.strip().strip("`") for cell in line.strip("| ").split(" | ")]) >= 3
    and re.fullmatch(r"\| `[a-z_.]+` \|.*", line)
}


def codes() -> dict[str, type[OrchestratorError]]:
    """Every error that has a code of its own."""
    found = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, OrchestratorError)
    ]
    return {cls.code: cls for cls in found if "code" in vars(cls) and cls is not OrchestratorError}


def test_every_code_has_a_row_and_every_row_a_code() -> None:
    """Neither is a code missing nor one promised that does not exist."""
    assert set(ROWS) == {*codes(), *HTTP_CODES.values(), OrchestratorError.code}


def test_a_code_stands_for_one_error() -> None:
    """Two errors of one code could not be told apart by programs."""
    classes = [v for v in vars(errors).values() if isinstance(v, type) and "code" in vars(v)]
    names = [getattr(cls, "code") for cls in classes]  # noqa: B009 # classes of any kind
    assert len(names) == len(set(names))


def test_statuses_are_those_of_the_middleware() -> None:
    """The one place that knows statuses."""
    told = {code: row[0] for code, row in ROWS.items()}
    expected = {code: str(status_of(cls)) for code, cls in codes().items()}
    expected |= {code: str(status) for status, code in HTTP_CODES.items()}
    # The start of the service has no status; a fault of the service has no class.
    expected |= {ConfigInvalid.code: "-", OrchestratorError.code: "500"}
    assert told == expected


def test_remedies_are_those_of_the_errors() -> None:
    """Word for word."""
    told = {code: ROWS[code][2] for code in codes()}
    assert told == {code: cls.remedy for code, cls in codes().items()}


def test_remedies_are_sentences() -> None:
    """One imperative sentence each, and a meaning."""
    for code, cls in codes().items():
        assert re.fullmatch(r"[A-Z].*\.", cls.remedy), code
        assert ROWS[code][1].endswith("."), code
