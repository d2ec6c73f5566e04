"""Both logs keep the contract of the port."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from events.log.folder import FolderLog
from events.log.memory import MemoryLog, MemoryShare
from events.record import Position
from tests.log.builders import MS, make_gallery, open_log, steady
from tests.log.contract import LogContract, OpenLog
from tests.log.disks import RecordingDisk


class TestMemoryLog(LogContract):
    @pytest.fixture
    def open_log(self) -> OpenLog:
        share = MemoryShare()

        def open_(
            host: str = "host-a",
            *,
            wall_ms: Callable[[], int] | None = None,
            start: Mapping[str, Position] | None = None,
        ) -> MemoryLog:
            return MemoryLog(share, host, start=start, wall_ms=wall_ms or steady(MS))

        return open_


class TestFolderLog(LogContract):
    @pytest.fixture
    def open_log(self, tmp_path: Path) -> Iterator[OpenLog]:
        gallery = make_gallery(tmp_path)
        opened: list[FolderLog] = []

        def open_(
            host: str = "host-a",
            *,
            wall_ms: Callable[[], int] | None = None,
            start: Mapping[str, Position] | None = None,
        ) -> FolderLog:
            log = open_log(
                gallery, host, disk=RecordingDisk(), start=start, wall_ms=wall_ms or steady(MS)
            )
            opened.append(log)
            return log

        yield open_
        for log in opened:
            log.close()
