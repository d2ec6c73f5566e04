"""The project's own log, room, and other services: looked at, and judged."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest

from events.views import ViewSaved
from tests.cli.stories import MARA, NOON, TOM, Story, shoot
from tools.doctor import peering
from tools.doctor.checks import Check, Verdict
from tools.doctor.judge.project import judge_leftovers, judge_log, judge_no_log, judge_space
from tools.doctor.measure.own_log import LogSeen, NoLogError, look_at_log
from tools.doctor.measure.peers import PeerError, ask_peer
from tools.doctor.peering import examine_peer

NOW = int(NOON.timestamp() * 1000) + 65 * 60_000


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """The small project of two hosts; its services have stopped."""
    told = shoot(tmp_path / "film")
    told.stop()
    yield told
    told.stop()


def judged(story: Story) -> dict[str, Check]:
    """The checks of its log, by name."""
    return {check.name: check for check in judge_log(look_at_log(story.root / ".gallery"), NOW)}


class TestLog:
    def test_whole(self, story: Story) -> None:
        """Who writes, and when each host was last heard."""
        checks = judged(story)

        assert {check.verdict for check in checks.values()} == {Verdict.OK}
        assert checks["log"].figures["writers"] == 2
        assert checks[f"log.host.{TOM}"].measured == "newest record 15 minutes ago"

    def test_damaged(self, story: Story) -> None:
        """Something of it is left out: the audit says what."""
        path = story.segments()[0]
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        check = judged(story)["log"]

        assert check.verdict is Verdict.BAD
        assert path.name in check.measured
        assert "log audit" in check.remedy

    def test_clock_of_a_host(self, story: Story) -> None:
        """Records from the future: that host's clock is wrong."""
        story.clock.at(90)
        story.tell(MARA, "mara", ViewSaved(name="later", settings={}))
        story.stop()
        check = judged(story)[f"log.host.{MARA}"]

        assert check.verdict is Verdict.WARN
        assert "25 minutes ahead" in check.measured

    def test_features_that_we_lack(self, story: Story) -> None:
        """It may be read, and must not be written."""
        path = story.root / ".gallery" / "FORMAT"
        path.write_bytes(path.read_bytes().replace(b'"write":[]', b'"write":["magic"]'))

        assert "magic" in judged(story)["log.read_only"].measured

    def test_log_of_a_newer_program(self, story: Story) -> None:
        path = story.root / ".gallery" / "FORMAT"
        path.write_bytes(path.read_bytes().replace(b'"fmt":1', b'"fmt":2'))
        with pytest.raises(NoLogError) as caught:
            look_at_log(story.root / ".gallery")

        assert judge_no_log(caught.value).verdict is Verdict.BAD

    def test_nothing_recorded(self, tmp_path: Path) -> None:
        """A folder that is no project yet: perhaps the share is not mounted."""
        with pytest.raises(NoLogError) as caught:
            look_at_log(tmp_path / ".gallery")
        check = judge_no_log(caught.value)

        assert check.verdict is Verdict.SKIPPED
        assert "mounted" in check.remedy


class TestRoom:
    @pytest.mark.parametrize(
        ("free", "total", "verdict"),
        [
            (1 << 40, 1 << 41, Verdict.OK),
            (1 << 30, 1 << 41, Verdict.WARN),
            (1 << 20, 1 << 41, Verdict.BAD),
            (0, 0, Verdict.SKIPPED),
        ],
    )
    def test_space(self, free: int, total: int, verdict: Verdict) -> None:
        """Some servers do not tell."""
        assert judge_space(free, total).verdict is verdict

    def test_leftovers(self) -> None:
        found = judge_leftovers(["doctor-1"])

        assert judge_leftovers([]) is None
        assert found is not None
        assert found.verdict is Verdict.WARN


@contextmanager
def peer(*answers: tuple[str, int, Any]) -> Iterator[str]:
    """A service that gives these answers, by path; several of one path one after the other."""
    waiting: dict[str, list[tuple[int, Any]]] = {}
    for path, status, body in answers:
        waiting.setdefault(path, []).append((status, body))

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = waiting.get(self.path.partition("?")[0], [(404, {})])
            status, body = found.pop(0) if len(found) > 1 else found[0]
            data = body if isinstance(body, bytes) else orjson.dumps(body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_arguments: object) -> None:
            """Nobody reads it."""

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


WELL = {"version": "1.0", "timestamp": "2026-05-01T12:00:00Z", "projects_read_only": []}
AT = NOON.timestamp()


def read(story: Story, missing: int = 0) -> dict[str, Any]:
    """A log status of a service that has read all but so many lines of each writer."""
    writers = look_at_log(story.root / ".gallery").writers
    return {
        "writers": [
            {"writer": w.writer, "host": w.host, "position": w.lines - missing} for w in writers
        ]
    }


def examined(url: str, log: LogSeen | None) -> dict[str, Check]:
    """The checks of a service, by the end of their names."""
    found = examine_peer(url, "/mnt/film", log, threading.Event())
    return {check.name.removeprefix(f"peer.{url}"): check for check in found}


class TestPeer:
    def test_has_read_everything(self, story: Story) -> None:
        log = look_at_log(story.root / ".gallery")
        with peer(("/health", 200, WELL), ("/api/log/status", 200, read(story))) as url:
            checks = examined(url, log)

        assert checks[""].verdict is Verdict.OK
        assert checks[".lag"].verdict is Verdict.OK

    def test_catches_up(self, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is asked again until it has: services look every few seconds."""
        monkeypatch.setattr(peering, "_PACE", 0.01)
        log = look_at_log(story.root / ".gallery")
        status = "/api/log/status"
        behind, caught_up = read(story, missing=2), read(story)
        with peer(("/health", 200, WELL), (status, 200, behind), (status, 200, caught_up)) as url:
            assert examined(url, log)[".lag"].verdict is Verdict.OK

    def test_lags(self, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(peering, "LAGGING", 0.0)
        log = look_at_log(story.root / ".gallery")
        behind = read(story, missing=2)
        with peer(("/health", 200, WELL), ("/api/log/status", 200, behind)) as url:
            check = examined(url, log)[".lag"]

        assert check.verdict is Verdict.WARN
        assert check.figures["behind"] == 4

    def test_of_another_version(self, story: Story) -> None:
        """It does not know the question: that is no fault of the share."""
        with peer(("/health", 200, WELL)) as url:
            check = examined(url, look_at_log(story.root / ".gallery"))[".lag"]

        assert check.verdict is Verdict.SKIPPED
        assert "404" in check.measured

    def test_cannot_write(self) -> None:
        ill = WELL | {"projects_read_only": ["/mnt/film: the share is full"]}
        with peer(("/health", 200, ill)) as url:
            check = examined(url, None)[""]

        assert check.verdict is Verdict.WARN
        assert "the share is full" in check.measured

    def test_clock(self) -> None:
        """Its clock, as its health tells it."""
        with peer(("/health", 200, WELL)) as url:
            found = ask_peer(url, "/mnt/film", wall=lambda: AT - 90)

        assert found.ahead == 90

    @pytest.mark.parametrize(
        ("status", "body"), [(500, {}), (200, []), (200, {"status": "ok"}), (200, b"<html>")]
    )
    def test_something_else_listens(self, status: int, body: Any) -> None:
        with peer(("/health", status, body)) as url:
            assert examined(url, None)[""].verdict is Verdict.BAD

    def test_nobody_listens(self) -> None:
        with peer() as url:
            pass
        check = examined(url, None)[""]

        assert check.verdict is Verdict.BAD
        assert "does not answer" in check.measured

    @pytest.mark.parametrize("url", ["file:///etc/passwd", "nas:9820", ""])
    def test_no_address(self, url: str) -> None:
        with pytest.raises(PeerError, match="no address"):
            ask_peer(url, "/mnt/film")
