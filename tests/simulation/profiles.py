"""How long a share's caches show what is not so any more. Figures: milliseconds, as measured."""

from __future__ import annotations

from attrs import frozen


@frozen
class Profile:
    """One kind of share, as a client has it mounted."""

    name: str
    #: Opening a file anew may show it as it was so long ago.
    reopened: int
    #: A descriptor that is kept open, and the size of one's own file, may lag by so much.
    held: int
    #: A listing may lag by so much.
    listed: int
    #: A name that was looked up in vain stays absent for so long.
    absent: int
    #: Whether bytes reach the server with the write, or only with fsync.
    through: bool
    #: Whether descriptors survive a restart of the server, and the client sends again what was
    #: not synced; else they are stale.
    reconnects: bool


PROFILES = (
    # A local disk, or a client without caches.
    Profile("local", reopened=0, held=0, listed=0, absent=0, through=True, reconnects=False),
    # CIFS with default options: open anew up to 190 ms, listing about 0, fstat 1 s, absent 0.8 s.
    Profile(
        "cifs", reopened=190, held=1000, listed=200, absent=800, through=True, reconnects=False
    ),
    # NFS with default options: open anew up to 22 ms, held 3 s, listing 0.2 s, absent 12 s.
    Profile(
        "nfs", reopened=22, held=3000, listed=200, absent=12_000, through=False, reconnects=True
    ),
    # Worse than all that was measured, and still visible in time for what is promised.
    Profile(
        "hostile", reopened=700, held=3000, listed=1000, absent=60_000, through=False,
        reconnects=False,
    ),
)  # fmt: skip
