"""Keep the reader of a release for ever: `python -m tests.evolution.freeze 1.0`.

It packs `events/` and `projections/` as they are now, with `reading.py` as their main program,
into `tests/evolution/releases/1.0.zip`, and the hashes of the golden logs. From then on the tests
let that program read what today's program writes. Run it when a release is cut, behind
`python -m tests.golden.make`, and commit what it makes. The same files give the same bytes.

A release that is out is never frozen anew; one that is not may be: add `--replace`.
"""

from __future__ import annotations

import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import orjson

import events
import projections
from tests.evolution import reading

RELEASES = Path(__file__).parent / "releases"
#: Name in the archive: hash of each file of the golden logs, by path below `tests/golden`.
HASHES = "golden.json"
#: The oldest time that an archive can tell; all files have it.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def contents(golden: Path) -> dict[str, bytes]:
    """What an archive of today's reader holds, by name, in order."""
    files = {"__main__.py": Path(str(reading.__file__)).read_bytes()}
    for package in (events, projections):
        folder = Path(str(package.__file__)).parent
        for path in folder.rglob("*.py"):
            files[path.relative_to(folder.parent).as_posix()] = path.read_bytes()
    files[HASHES] = orjson.dumps(hashes(golden), option=orjson.OPT_INDENT_2)
    return dict(sorted(files.items()))


def hashes(golden: Path) -> dict[str, str]:
    """Hash of FORMAT and all segments of all golden logs."""
    paths = sorted([*golden.glob("*/FORMAT"), *golden.glob("*/*/*.jsonl")])
    return {
        path.relative_to(golden).as_posix(): sha256(path.read_bytes()).hexdigest() for path in paths
    }


def freeze(path: Path, golden: Path) -> None:
    """Write the archive.

    Raises:
        FileExistsError: it is there already.
    """
    # Not compressed: other versions of zlib would give other bytes.
    with zipfile.ZipFile(path, "x", zipfile.ZIP_STORED) as archive:
        for name, data in contents(golden).items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix, wherever it is made
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)


def main(arguments: list[str]) -> int:
    """The command line; its exit code."""
    names = [argument for argument in arguments if argument != "--replace"]
    if len(names) != 1 or not names[0].replace(".", "").isalnum():
        print("Say which release, such as 1.0; add --replace while it is not out yet.")
        return 2
    path = RELEASES / f"{names[0]}.zip"
    if "--replace" in arguments:
        path.unlink(missing_ok=True)
    elif path.exists():
        print(f"{path} is there already. A release that is out is never frozen anew.")
        return 1
    freeze(path, Path(__file__).parents[1] / "golden")
    print(f"{path}: {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
