"""The command line as a whole: help, start, errors, pipes and terminals."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

import orchestrator
from events.views import ViewSaved
from tests.cli.conftest import Process, Run, environment
from tests.cli.stories import JOB, MARA, Story
from tools.cli import main

LINUX_TERMINAL = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """All commands and groups below a group."""
    context, found = click.Context(group), []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found.append((*path, name))
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
    return found


ALL = commands(main)


class TestHelp:
    @pytest.mark.parametrize("path", [(), *ALL], ids=" ".join)
    def test_every_command_explains_itself(self, run: Run, path: tuple[str, ...]) -> None:
        """`--help` of every command works and says more than its name."""
        result = run(*path, "--help")

        assert result.exit_code == 0
        assert len(result.stdout) > 200
        for line in result.stdout.splitlines():
            assert len(line) <= 80

    @pytest.mark.parametrize("name", list(main.commands_at))
    def test_the_list_says_what_commands_say(self, name: str) -> None:
        """The line in the list, written apart so that nothing is imported, is the command's own."""
        command = main.get_command(click.Context(main), name)
        assert command is not None
        assert command.help is not None

        first = " ".join(command.help.split("\n\n")[0].split())
        assert main.commands_at[name].short_help == first

    def test_version(self, run: Run) -> None:
        result = run("--version")

        assert result.stdout == f"orchestrator, version {orchestrator.__version__}\n"

    def test_unknown_command_is_refused(self, run: Run) -> None:
        """A typo is a mistake in use: code 2 and the names that exist."""
        result = run("log", "reply")

        assert result.exit_code == 2
        assert "No such command 'reply'" in result.stderr


IMPORTED = """
import sys
from click.testing import CliRunner
from tools.cli import main
result = CliRunner().invoke(main, sys.argv[1:])
assert result.exit_code == 0, result.output
print(*sorted(sys.modules))
"""


class TestStart:
    @pytest.mark.parametrize(
        "arguments",
        [
            ("--help",),
            ("log", "--help"),
            ("serve", "--help"),
            ("demo", "--help"),
            ("simulate", "--help"),
            ("log", "replay", "PROJECT"),
            ("log", "replay", "PROJECT", "--json"),
            ("log", "history", "PROJECT"),
            ("log", "audit", "PROJECT", "--files"),
            ("log", "cat", "PROJECT", "--merge"),
            ("log", "jobs", "PROJECT"),
        ],
        ids=" ".join,
    )
    def test_server_is_not_imported(self, story: Story, arguments: tuple[str, ...]) -> None:
        """Only the commands that serve import aiohttp, and they do when they run."""
        story.stop()
        given = [str(story.root) if a == "PROJECT" else a for a in arguments]
        done = subprocess.run(
            [sys.executable, "-c", IMPORTED, *given],
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        modules = set(done.stdout.splitlines()[-1].split())

        assert "tools.cli" in modules
        assert not modules & {"aiohttp", "asyncio", "rich", "structlog", "PIL"}

    @pytest.mark.parametrize("name", ["replay", "history", "audit", "jobs", "why", "cat"])
    def test_help_needs_no_event(self, name: str) -> None:
        """What starts a command is click alone; the vocabulary is loaded when a log is read."""
        done = subprocess.run(
            [sys.executable, "-c", IMPORTED, "log", name, "--help"],
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        modules = done.stdout.splitlines()[-1].split()

        assert not [name for name in modules if name.startswith(("events", "projections"))]
        assert "attrs" not in modules


READERS = [("replay",), ("history",), ("audit",), ("jobs",), ("cat",), ("cat", "--merge")]


class TestErrors:
    @pytest.mark.parametrize("command", READERS, ids=" ".join)
    def test_folder_that_is_not_there(
        self, run: Run, tmp_path: Path, command: tuple[str, ...]
    ) -> None:
        """One line says what, one what to do; the code is 2, and there is no traceback."""
        result = run("log", *command, tmp_path / "gone")

        assert result.exit_code == 2
        assert result.stdout == ""
        what, remedy = result.stderr.splitlines()
        assert what.startswith("Error: ")
        assert "gone" in what
        assert remedy.endswith(".")

    @pytest.mark.parametrize("command", READERS, ids=" ".join)
    def test_folder_without_a_log(self, run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
        """A folder where nothing was recorded is no empty project: perhaps nothing is mounted."""
        result = run("log", *command, tmp_path)

        assert result.exit_code == 2
        assert "nothing was ever recorded there" in result.stderr
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("command", READERS, ids=" ".join)
    def test_log_of_a_newer_program(self, run: Run, story: Story, command: tuple[str, ...]) -> None:
        """A format that we do not know is not guessed at."""
        story.stop()
        path = story.root / ".gallery" / "FORMAT"
        path.write_text(path.read_text().replace('"fmt":1', '"fmt":2'))
        result = run("log", *command, story.root)

        assert result.exit_code == 2
        assert "has format 2; this program reads 1" in result.stderr

    @pytest.mark.parametrize("command", READERS, ids=" ".join)
    def test_log_that_cannot_be_listed(
        self, run: Run, story: Story, command: tuple[str, ...]
    ) -> None:
        """Where the log folder should be is a file: the system's words, and no traceback."""
        story.stop()
        for path in story.segments():
            path.unlink()
        story.log_folder.rmdir()
        story.log_folder.write_text("")
        result = run("log", *command, story.root)

        assert result.exit_code == 2
        assert "Traceback" not in result.stderr
        assert len(result.stderr.splitlines()) == 2

    def test_fault_of_our_own(
        self, run: Run, story: Story, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A mistake in this program has code 2 too: 1 says that a log is broken."""
        monkeypatch.setattr("tools.cli.replay.empty_tables", lambda: None)
        result = run("log", "replay", story.root)

        assert result.exit_code == 2
        assert "This program has a fault" in result.stderr
        assert "Traceback" in result.stderr

    @pytest.mark.parametrize("path", [("replay", "--at"), ("history", "--since")], ids=" ".join)
    def test_time_that_is_none(self, run: Run, story: Story, path: tuple[str, str]) -> None:
        result = run("log", path[0], story.root, path[1], "yesterday")

        assert result.exit_code == 2
        assert "'yesterday' is no time" in result.stderr


class TestPlace:
    @pytest.mark.parametrize("inner", [".gallery", "panel_01/.."])
    def test_project_by_other_names(self, run: Run, story: Story, inner: str) -> None:
        """The .gallery folder, and any way to write the project's folder, mean the project."""
        one = run("log", "cat", story.root)
        other = run("log", "cat", story.root / inner)

        assert other.exit_code == 0
        assert other.stdout == one.stdout

    def test_working_directory(self, process: Process, story: Story) -> None:
        """`.` works inside a project, and inside its .gallery."""
        story.stop()
        for folder in (story.root, story.root / ".gallery"):
            done = process("log", "replay", ".", cwd=folder)
            assert done.returncode == 0
            assert b"17 events" in done.stdout

    @pytest.mark.parametrize("command", READERS, ids=" ".join)
    def test_nothing_is_created_or_changed(
        self, run: Run, story: Story, command: tuple[str, ...]
    ) -> None:
        """Reading a project leaves every file and every time as it was."""
        story.stop()

        def everything() -> dict[str, tuple[int, int]]:
            found = (path for path in story.root.rglob("*"))
            return {str(p): (p.stat().st_size, p.stat().st_mtime_ns) for p in found}

        before = everything()
        assert run("log", *command, story.root).exit_code == 0
        assert everything() == before


class TestPipes:
    @pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
    @pytest.mark.parametrize("command", ["cat", "cat --merge", "history", "history --json"])
    def test_reader_that_leaves(self, story: Story, command: str) -> None:
        """`| head -1` ends quietly, with the code that shells use for a closed pipe."""
        # Far more than a pipe holds.
        for number in range(30):
            view = ViewSaved(name=f"view {number}", settings={"note": "x" * 60_000})
            story.tell(MARA, "mara", view)
        name, *options = command.split()
        line = " ".join([sys.executable, "-m tools.cli log", name, str(story.root), *options])
        done = subprocess.run(
            ["bash", "-c", f"{line} | head -c 100; echo; echo ${{PIPESTATUS[0]}}"],
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )

        # What fits into the pipe may all be written before the reader leaves.
        assert done.stdout.splitlines()[-1] in {"141", "0"}
        assert done.stderr == ""

    def test_output_to_a_file_is_plain(self, process: Process, story: Story) -> None:
        """No colours, no bar, nothing cut to the width of a terminal that is not there."""
        story.tell(MARA, "mara", ViewSaved(name="long", settings={"note": "y" * 300}))
        story.stop()
        for arguments in (["replay"], ["history"], ["audit"]):
            done = process("log", arguments[0], story.root, env=environment(COLUMNS="40"))
            assert b"\x1b" not in done.stdout
            assert done.stderr == b""
        assert b"y" * 300 in process("log", "replay", story.root).stdout

    def test_output_that_cannot_say_a_character(self, process: Process, story: Story) -> None:
        """A terminal of an old code page shows codes for what it has no letters for."""
        story.tell(MARA, "mara", ViewSaved(name="Größe → 猫", settings={}))
        story.stop()
        narrow = environment(PYTHONUTF8="0", PYTHONIOENCODING="cp1252")
        for command in ("replay", "history"):
            done = process("log", command, story.root, env=narrow)
            assert done.returncode == 0
            assert "Größe ".encode("cp1252") + rb"\u2192 \u732b" in done.stdout

    def test_names_cannot_command_the_terminal(self, run: Run, story: Story) -> None:
        """Control characters in what people typed are shown, not sent."""
        story.tell(MARA, "mara\x1b[2J", ViewSaved(name="evil\x1b]0;x\x07\nsecond", settings={}))
        for command in ("replay", "history"):
            result = run("log", command, story.root)
            assert "\x1b" not in result.stdout
            assert r"evil\x1b]0;x\x07\nsecond" in result.stdout


@LINUX_TERMINAL
class TestTerminal:
    def draw(self, *arguments: object, **extra: str) -> str:
        """What a process shows on a terminal: its output and its errors."""
        import pty

        outer, inner = pty.openpty()
        command = [sys.executable, "-m", "tools.cli", *(str(a) for a in arguments)]
        shown = environment(**{"TERM": "xterm-256color", "COLUMNS": "80", **extra})
        with subprocess.Popen(command, env=shown, stdin=inner, stdout=inner, stderr=inner) as job:
            os.close(inner)
            parts = []
            while True:
                try:
                    part = os.read(outer, 65536)
                except OSError:  # Linux says so when the other side is closed
                    break
                if not part:
                    break
                parts.append(part)
            assert job.wait(timeout=30) == 0
        os.close(outer)
        return b"".join(parts).decode()

    def table(self, story: Story, columns: int) -> list[str]:
        """The lines of the table of jobs on a terminal of that width, without colours."""
        shown = self.draw("log", "replay", story.root, COLUMNS=str(columns))
        plain = re.sub("\x1b\\[[0-9;]*m", "", shown)
        return plain[plain.index("Jobs (1)") : plain.index("Ratings (2)")].splitlines()

    @pytest.mark.parametrize("columns", [80, 100, 200])
    def test_tables_fit_the_terminal(self, story: Story, columns: int) -> None:
        """Tables are drawn in its width; long cells go on in the next line, and nothing is cut."""
        story.stop()
        lines = self.table(story, columns)
        rule = next(at for at, line in enumerate(lines) if line.startswith("──"))
        words = [line.split() for line in lines[rule + 1 :]]

        assert all(len(line) <= columns for line in lines)
        assert "".join(row[0] for row in words if row) == JOB
        assert any("12:30:00" in row for row in words)

    def test_narrow_terminal(self, story: Story) -> None:
        """Where a table does not fit at all, its lines are left to the terminal, whole."""
        story.stop()

        assert any(line.split()[:2] == [JOB, "succeeded"] for line in self.table(story, 40))

    def test_many_rows_are_cut(self, story: Story) -> None:
        """A terminal shows 40 rows of a table and says how to see the rest."""
        for number in range(50):
            story.tell(MARA, "mara", ViewSaved(name=f"view {number:02d}", settings={}))
        story.stop()
        shown = self.draw("log", "replay", story.root)
        everything = self.draw("log", "replay", story.root, "--rows", 0)

        assert "... and 11 more; --rows 0 shows all" in shown
        assert "view 49" not in shown
        assert "view 49" in everything

    def test_long_work_shows_a_bar(self, story: Story) -> None:
        """On a terminal, reading much shows how far it is, and takes the bar away in the end."""
        for number in range(10):
            big = ViewSaved(name=f"v{number}", settings={"n": "x" * 600_000})
            story.tell(MARA, "mara", big)
        story.stop()

        assert "━" in self.draw("log", "audit", story.root)
