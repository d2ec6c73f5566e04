"""What is installed for real shares, and what is said where it cannot be. Runs everywhere."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.shares import needs
from tests.shares.needs import Need, SetupError, provide


@pytest.fixture(autouse=True)
def _able(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which everything can be done."""
    monkeypatch.setattr(needs, "_check_machine", lambda: None)
    monkeypatch.setattr(shutil, "which", lambda name, **_: f"/usr/bin/{name}")


class TestProviding:
    def test_nothing_is_installed_where_all_is_there(self, tmp_path: Path) -> None:
        """Not even a list of packages is fetched."""
        ran: list[Sequence[str]] = []
        provide(run=ran.append, needs=[Need(str(tmp_path), "a-package")])
        assert ran == []

    def test_what_is_missing_is_installed_once(self, tmp_path: Path) -> None:
        """Two files of one package are one package."""
        ran: list[Sequence[str]] = []
        files = [tmp_path / "one", tmp_path / "two"]

        def install(command: Sequence[str]) -> None:
            ran.append(command)
            for file in files:
                file.touch()

        provide(run=install, needs=[Need(str(file), "a-package") for file in files])
        assert [command[1] for command in ran] == ["update", "install"]
        assert [word for word in ran[1] if "package" in word] == ["a-package"]

    def test_a_package_that_lacks_the_program_is_told(self, tmp_path: Path) -> None:
        """Another release may have it elsewhere."""
        missing = str(tmp_path / "program")
        with pytest.raises(SetupError, match="program is missing although a-package"):
            provide(run=lambda _: None, needs=[Need(missing, "a-package")])
