"""`serve`, `simulate` and `demo`: what the command line hands on."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import attrs
import click
import pytest

from tests.cli.conftest import Run
from tools.cli.simulate import simulate
from tools.simulator import Behaviour


class TestServe:
    def test_options_are_handed_on(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """Configuration, host and port win over the defaults; the service's code is ours."""
        given: list[Any] = []

        def main(*arguments: Any, announce: Any) -> int:
            given.extend(arguments)
            announce("http://here")
            return 0

        monkeypatch.setattr("orchestrator.serve.main", main)
        config = tmp_path / "other.yaml"
        result = run("serve", "--config", config, "--host", "::1", "--port", 8000)

        assert result.exit_code == 0
        assert result.stdout == "http://here\n"
        assert given == [config, "::1", 8000]

    def test_wrong_configuration(self, run: Run, tmp_path: Path) -> None:
        """It cannot start: code 2, and what to correct."""
        config = tmp_path / "config.yaml"
        config.write_text("backendz: []\n")
        result = run("serve", "--config", config)

        assert result.exit_code == 2
        assert "backendz" in result.stderr
        assert "Traceback" not in result.stderr


class TestDemo:
    @pytest.mark.parametrize("code", [0, 1, 2])
    def test_options_are_handed_on(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: int
    ) -> None:
        """The demo's own code is ours."""
        given: dict[str, Any] = {}

        def main(**options: Any) -> int:
            given.update(options)
            return code

        monkeypatch.setattr("tools.demo.main", main)
        result = run("demo", "--once", "--port", 0, "--keep", tmp_path)

        assert result.exit_code == code
        assert given == {"once": True, "port": 0, "keep": tmp_path}


class TestSimulate:
    @pytest.fixture
    def given(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        """What the simulator is started with."""
        seen: dict[str, Any] = {}

        def start(
            host: str, port: int, folder: Path, behaviour: Behaviour, *, announce: Any
        ) -> None:
            seen.update(host=host, port=port, folder=folder, behaviour=behaviour)
            assert folder.is_dir() or folder.name == "comfy"

        monkeypatch.setattr("tools.simulator.run", start)
        return seen

    def test_defaults_are_those_of_the_simulator(self, run: Run, given: dict[str, Any]) -> None:
        """Without options it behaves as `Behaviour()`, in a folder that is deleted at the end."""
        result = run("simulate")

        assert result.exit_code == 0, result.output
        assert given["behaviour"] == Behaviour()
        assert (given["host"], given["port"]) == ("127.0.0.1", 8188)
        assert not given["folder"].exists()

    def test_options(self, run: Run, given: dict[str, Any], tmp_path: Path) -> None:
        """Numbers, switches and choices of the behaviour are options."""
        folder = tmp_path / "comfy"
        arguments = "--seconds-per-step 0.5 --fail-next 2 --no-previews --view-fault short"
        more = "--restart-after -1 --control --port 0"
        result = run("simulate", "--folder", folder, *arguments.split(), *more.split())

        assert result.exit_code == 0, result.output
        assert given["folder"] == folder
        assert given["behaviour"] == Behaviour(
            seconds_per_step=0.5,
            fail_next=2,
            previews=False,
            view_fault="short",
            restart_after=-1,
            control=True,
        )

    @pytest.mark.parametrize("name", [field.name for field in attrs.fields(Behaviour)])
    def test_every_field_is_an_option(self, name: str) -> None:
        """Nothing that the simulator can do is kept from the command line."""
        option = next(p for p in simulate.params if p.name == name)

        assert isinstance(option, click.Option)
        assert option.help == getattr(attrs.fields(Behaviour), name).metadata["help"]

    def test_impossible_value(self, run: Run) -> None:
        """The simulator's own words, and code 2."""
        result = run("simulate", "--fail-fraction", 7)

        assert result.exit_code == 2
        assert "fail_fraction must lie in 0 .. 1" in result.stderr

    def test_port_that_is_taken(self, run: Run, tmp_path: Path) -> None:
        """It says so, and what to do."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            result = run("simulate", "--port", port, "--folder", tmp_path)

        assert result.exit_code == 2
        assert "cannot start" in result.stderr
        assert "--port" in result.stderr
