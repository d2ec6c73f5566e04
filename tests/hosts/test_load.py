"""Two services on one folder under load: they agree, and the log holds what was acknowledged."""

from __future__ import annotations

from pathlib import Path

from tests.hosts.load import Host, converge, edits, prepare, running, said_by_log, verdict


async def test_two_hosts_at_once(tmp_path: Path) -> None:
    """Both edit the same files in all ways; nothing is lost, nothing false, all say the same."""
    project = tmp_path / "share" / "Eliot"
    ledger = prepare(project)
    hosts = [Host(name, tmp_path / name, project) for name in ("north", "south")]
    async with running(*hosts):
        urls, paths = [host.url for host in hosts], [str(project)] * 2
        await edits(urls, paths, 300, seed=1, ledger=ledger)
        agreed = await converge(urls, paths)
        assert [await host.stop() for host in hosts] == [0, 0]
    assert verdict(project, ledger) == []
    assert said_by_log(project) == agreed
    assert [host.complaints() for host in hosts] == [[], []]
    assert len(ledger.acknowledged) > 150, ledger.summary()
