"""What all checks of one audit share."""

from __future__ import annotations

from attrs import field, frozen

from tools.audit.findings import Affected, Check, Finding, Findings, Severity
from tools.audit.meaning import Meaning
from tools.audit.snapshot import Snapshot

RESTORE = (
    "Restore this file from a backup of the share; if there is none, keep it as it is: readers "
    "pass over what is wrong."
)


@frozen
class Scene:
    """The log, and where findings go."""

    disk: Snapshot
    #: The project's id, as FORMAT or else the headers tell it.
    project: str
    #: Milliseconds since 1970, by this machine's clock.
    now_ms: int
    findings: Findings
    meaning: Meaning = field(init=False)

    @meaning.default
    def _make_meaning(self) -> Meaning:
        return Meaning(self.findings)

    def looked(self, *checks: Check) -> None:
        """Count that something was looked at."""
        for check in checks:
            self.findings.looked[check] += 1

    def broken(
        self,
        check: Check,
        file: str,
        offset: int | None,
        what: str,
        *,
        remedy: str = RESTORE,
        affected: Affected | None = None,
    ) -> None:
        """A promise is broken."""
        self._add(check, Severity.BROKEN, file, offset, what, remedy, affected)

    def note(
        self,
        check: Check,
        file: str,
        offset: int | None,
        what: str,
        *,
        remedy: str,
        affected: Affected | None = None,
    ) -> None:
        """Nothing is broken, but worth knowing."""
        self._add(check, Severity.NOTE, file, offset, what, remedy, affected)

    def _add(
        self,
        check: Check,
        severity: Severity,
        file: str,
        offset: int | None,
        what: str,
        remedy: str,
        affected: Affected | None,
    ) -> None:
        self.findings.add(
            Finding(
                check=check,
                severity=severity,
                file=file,
                offset=offset,
                what=what,
                remedy=remedy,
                affected=affected,
            )
        )
