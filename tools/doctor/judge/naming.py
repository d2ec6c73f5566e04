"""What names, renaming and times of a share mean to the gallery. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from tools.doctor.checks import Check, Figure, Verdict
from tools.doctor.figures import told
from tools.doctor.measure.names import Fate, Named, Names
from tools.doctor.measure.renames import Means, Renames
from tools.doctor.measure.times import Clocks, FileTimes

#: A host whose clock is further off serves projects read-only; from the first on it is told.
CLOCK_NOTICED, CLOCK_LIMIT = 5.0, 60.0
#: Times that are kept more coarsely make files look edited.
COARSE = 1.0

_MEANS = {
    Means.KERNEL: "by the kernel (renameat2)",
    Means.LINK: "by a second name (link, then unlink)",
    Means.KEEPING: "by keeping the name with a small file; there are no hard links",
}


def judge_names(names: Names) -> Iterator[Check]:
    """Case, Unicode, and which names can be had."""
    told_of = "two files" if names.case_sensitive else "one and the same file"
    yield Check(
        name="names.case",
        verdict=Verdict.OK,
        measured=f"a.png and A.png are {told_of}",
        expected="either",
        figures={"case_sensitive": names.case_sensitive},
    )
    yield _unicode(names)
    yield _ordinary(names.ordinary)
    yield _odd(names.odd)


def _unicode(names: Names) -> Check:
    kept = "given back as they were given" if names.forms_kept else "rewritten"
    differ = "two files" if names.forms_differ else "one and the same file"
    return Check(
        name="names.unicode",
        verdict=Verdict.OK if names.forms_kept else Verdict.WARN,
        measured=f"composed and decomposed letters (NFC, NFD) are {kept}, and {differ}",
        expected="given back as they were given",
        remedy=""
        if names.forms_kept
        else "Switch off the conversion of names on the server, or name files in NFC.",
        figures={"kept": names.forms_kept, "differ": names.forms_differ},
    )


def _ordinary(tried: tuple[Named, ...]) -> Check:
    faults = [named for named in tried if named.fate is not Fate.KEPT]
    return Check(
        name="names.ordinary",
        verdict=Verdict.WARN if faults else Verdict.OK,
        measured=_list(faults) or "umlauts, emoji, Asian letters and 255 letters are kept",
        expected="all kept",
        remedy="Mount the share with iocharset=utf8, and let the server use UTF-8."
        if faults
        else "",
        figures={named.what: named.fate.value for named in tried},
    )


def _odd(tried: tuple[Named, ...]) -> Check:
    faults = [named for named in tried if named.fate is not Fate.KEPT]
    return Check(
        name="names.odd",
        verdict=Verdict.OK,
        measured=_list(faults) or "all kept",
        expected="any: the service gives out no such names",
        figures={named.what: named.fate.value for named in tried},
    )


def _list(faults: list[Named]) -> str:
    return ", ".join(f"{f.what} {f.fate.value} ({f.detail!a})" for f in faults)


def judge_renames(seen: Renames) -> Iterator[Check]:
    """Taking names without replacing, replacing, and what a renamed file keeps."""
    spares = seen.moves and seen.spares_files and seen.spares_folders
    faults = [
        what
        for what, holds in (
            ("a file could not be moved to a free name", seen.moves),
            ("a file was replaced", seen.spares_files),
            ("a folder was replaced", seen.spares_folders),
        )
        if not holds
    ]
    yield Check(
        name="rename.no_replace",
        verdict=Verdict.OK if spares else Verdict.BAD,
        measured=f"{_MEANS[seen.means]}: {', '.join(faults) or 'nothing was replaced'}",
        expected="a name that is taken is refused, and both files stay",
        remedy="" if spares else "Do not move files through the gallery on this mount.",
        figures={"means": seen.means.value, "holds": spares},
    )
    yield _replace(seen)
    yield _identity(seen)


def _replace(seen: Renames) -> Check:
    # Where names are kept by small files, each move ends in a replace.
    needed = seen.means is Means.KEEPING
    open_too = "too" if seen.replaces_open else "not"
    works = f"works; if the old one is open here, {open_too}" if seen.replaces else "does not work"
    case = "works" if seen.case_only else "does not work"
    verdict = Verdict.OK if seen.replaces else Verdict.BAD if needed else Verdict.WARN
    return Check(
        name="rename.replace",
        verdict=verdict,
        measured=f"replacing a file {works}; renaming a to A {case}",
        expected="works",
        remedy="" if seen.replaces else "Check what the server says to renames; update it.",
        figures={
            "replaces": seen.replaces,
            "replaces_open": seen.replaces_open,
            "case_only": seen.case_only,
        },
    )


def _identity(seen: Renames) -> Check:
    time = "keeps its time" if seen.keeps_time else "loses its time"
    number = "keeps its number" if seen.keeps_inode else "gets another number"
    return Check(
        name="rename.identity",
        verdict=Verdict.OK if seen.keeps_inode else Verdict.WARN,
        measured=f"a renamed file {time}, and {number}",
        expected="both kept",
        remedy=""
        if seen.keeps_inode
        else "Mount the share with serverino; else files are known by size, time and content.",
        figures={"time": seen.keeps_time, "inode": seen.keeps_inode},
    )


def judge_clock(clocks: Clocks, name: str = "clock", whose: str = "the share's clock") -> Check:
    """A clock against ours."""
    off = max(0.0, abs(clocks.ahead) - clocks.doubt)
    verdict = (
        Verdict.BAD if off > CLOCK_LIMIT else Verdict.WARN if off > CLOCK_NOTICED else Verdict.OK
    )
    way = "ahead of" if clocks.ahead > 0 else "behind"
    return Check(
        name=name,
        verdict=verdict,
        measured=f"{whose} is {told(abs(clocks.ahead))} {way} this host's, give or take "
        f"{told(clocks.doubt)}",
        expected=f"at most {told(CLOCK_NOTICED)}; from {told(CLOCK_LIMIT)} on read-only",
        remedy=""
        if verdict is Verdict.OK
        else "Let this host and the server set their clocks by NTP, from the same source.",
        figures={
            "ahead_ms": round(clocks.ahead * 1000, 3),
            "doubt_ms": round(clocks.doubt * 1000, 3),
        },
    )


def judge_file_times(times: FileTimes) -> Check:
    """How finely times are kept, and whether they stay."""
    figures: dict[str, Figure] = {"lost_ns": round(times.lost * 1e9), "kept": times.kept}
    fine = times.kept and times.lost < COARSE
    lost = "to the nanosecond" if times.lost == 0 else f"with {told(times.lost)} lost"
    return Check(
        name="file_times",
        verdict=Verdict.OK if fine else Verdict.WARN,
        measured=f"a time that is set is kept {lost}" + ("" if times.kept else ", and changes"),
        expected=f"less than {told(COARSE)} lost",
        remedy="" if fine else "Expect files to be looked into anew; use another file system.",
        figures=figures,
    )
