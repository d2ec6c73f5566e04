"""The records of one writer's good lines: their times, stamps, types and payloads."""

from __future__ import annotations

from attrs import define, field

from events.record import Record
from events.registry import BY_NAME, MUST_KNOW, Unknown
from events.stamp import MAX_AHEAD_MS, wall_ms
from tools.audit.examine import Examined
from tools.audit.findings import Check
from tools.audit.scene import Scene

_WRONG_PROGRAM = "Find out which program, and which version of it, wrote this line."


@define
class RecordChecks:
    """Looks at each line of one writer once, in its order."""

    scene: Scene
    _last: str = ""
    #: Times that were given by `x`.
    _lifted: set[str] = field(factory=set)

    def look(self, line: Examined, file: str, offset: int) -> None:
        """Look at a good line that was not seen before."""
        self._times(line, file, offset)
        for record in line.records:
            self._type(record, file, offset)
            self.scene.meaning.look(record, file, offset)

    def _times(self, line: Examined, file: str, offset: int) -> None:
        scene = self.scene
        scene.looked(Check.TIME, Check.STAMPS, Check.CLOCK)
        if line.time <= self._last:
            what = f"its time {line.time} does not lie above {self._last}, that of the line before"
            scene.broken(Check.TIME, file, offset, what, remedy=_WRONG_PROGRAM)
        self._last = max(self._last, line.time)
        stamp = line.records[0].stamp
        counted = stamp[:16]
        if line.lifted:
            scene.looked(Check.LIFT)
            if counted <= line.time:
                what = f"its x {counted} does not lie above its h {line.time}"
                scene.broken(Check.LIFT, file, offset, what, remedy=_WRONG_PROGRAM)
        if counted in self._lifted:
            what = f"the stamp {stamp} was given before"
            scene.broken(Check.STAMPS, file, offset, what, remedy=_WRONG_PROGRAM)
        if line.lifted:
            self._lifted.add(counted)
        ahead = wall_ms(stamp) - scene.now_ms
        if ahead > MAX_AHEAD_MS:
            what = f"its time lies {ahead / 1000:.0f} s ahead of this machine's clock"
            remedy = "Set the clocks of both machines by NTP; edits of later times win until then."
            scene.note(Check.CLOCK, file, offset, what, remedy=remedy)

    def _type(self, record: Record, file: str, offset: int) -> None:
        scene, event = self.scene, record.event
        scene.looked(Check.KNOWN)
        if not isinstance(event, Unknown):
            scene.looked(Check.PAYLOAD)
            return
        row = BY_NAME.get(event.type)
        if row is not None and event.version <= row.version:
            scene.looked(Check.PAYLOAD)
            what = f"{event.type} version {event.version} does not have the fields of its type"
            scene.broken(Check.PAYLOAD, file, offset, what, remedy=_WRONG_PROGRAM)
            return
        what = f"{event.type} version {event.version} is not known here, and not applied"
        if event.type.startswith(MUST_KNOW):
            what += "; programs that do not know it must not write to this project"
        remedy = "Look at this project with the newest program that works on it."
        scene.note(Check.KNOWN, file, offset, what, remedy=remedy)
