"""The promises of events/FORMAT.md, and what of each can be checked from a log's bytes."""

from __future__ import annotations

from attrs import frozen

from tools.audit.findings import Check


@frozen
class Promise:
    """A promise by its id, and the checks that can show it broken."""

    id: str
    #: What it says, in a few words.
    says: str
    checks: tuple[Check, ...] = ()
    #: What of it leaves no trace in a log: all, if there are no checks.
    unseen: str | None = None


PROMISES: tuple[Promise, ...] = (
    Promise("L1", "only names of the form are part of the log", (Check.NAMES,)),
    Promise("L2", "a writer id is never used twice", (Check.WRITER_ID,)),
    Promise(
        "L3",
        "a line is one JSON object in UTF-8, one LF, no NUL, at most 1 MiB",
        (Check.BYTES, Check.SIZE, Check.JSON),
    ),
    Promise("L4", "each line is chained to the one before", (Check.CHAIN,)),
    Promise(
        "L5",
        "a segment begins with its header",
        (Check.HEADER, Check.PLACE, Check.PROJECT, Check.CONTINUITY),
    ),
    Promise("L6", "a closed segment ends with its seal", (Check.SEAL,)),
    Promise(
        "W1",
        "segments are never changed, cut off, renamed or deleted",
        (Check.CHAIN, Check.SEAL, Check.NEXT, Check.PLACE, Check.CONTINUITY),
    ),
    Promise("W2", "sequences are gapless, times rise", (Check.SEQUENCE, Check.TIME)),
    Promise(
        "W3",
        "a line is durable before it is told, or its effect begins",
        (Check.INTENT,),
        "When fsync returned cannot be seen; that an effect was announced can.",
    ),
    Promise(
        "W4",
        "after an error, lines in doubt are written again, the same",
        (Check.CONTINUITY, Check.REPEATS),
        "That the descriptor was left alone cannot be seen.",
    ),
    Promise("W5", "three errors in a minute end writing", (), "Errors leave no trace in a log."),
    Promise(
        "W6",
        "a writer leaves a segment that somebody else wrote to",
        (),
        "What a writer did then cannot be seen; the foreign bytes themselves break L4.",
    ),
    Promise(
        "W7",
        "segments are closed in time, the next one durable before",
        (Check.ROLLED, Check.NEXT),
    ),
    Promise("W8", "what cannot be read back is not written", (Check.FIELDS, Check.PAYLOAD)),
    Promise("W9", "not too much waits in memory", (), "What waited leaves no trace in a log."),
    Promise("W10", "reading creates nothing", (), "Who created a file cannot be seen."),
    Promise("R1", "readers take only good lines", (Check.READER,)),
    Promise("R2", "readers tell what they leave out", (Check.TOLD,)),
    Promise(
        "R3",
        "readers try again from the same place",
        (),
        "A log at rest cannot become good in between; tests of the reader show it.",
    ),
    Promise("R4", "a later segment settles errors", (Check.READER, Check.REPEATS)),
    Promise("R5", "readers keep and count what they do not know", (Check.KNOWN, Check.COUNTED)),
    Promise("R6", "readers never fail and take nothing false", (Check.READER,)),
    Promise("R7", "readers take nothing misplaced, or behind a gap", (Check.READER,)),
    Promise("R8", "the same records, wherever reading goes on from", (Check.AGAIN,)),
    Promise("G1", "a cold file holds whole segments, byte for byte", (Check.COLD,)),
    Promise(
        "G2",
        "a host makes cold files of its own ended incarnations, and proves them",
        (Check.COLD,),
        "What was read back, and under which claim, cannot be seen.",
    ),
    Promise(
        "G3",
        "nothing is removed that has no sound copy",
        (Check.NEXT, Check.CONTINUITY),
        "When something was removed cannot be seen; what is missing can.",
    ),
    Promise("G4", "readers take a segment once, wherever it lies", (Check.READER, Check.COLD)),
    Promise("G5", "a cold file that is not whole is left out and told", (Check.COLD,)),
    Promise("G6", "cold files are merged", (), "It is about time: fewer files are sooner read."),
    Promise(
        "O1",
        "claims are created once and never changed",
        (),
        "Claims are no part of the log, and those that are over are removed.",
    ),
    Promise("O2", "a claim ends in good order, in time, or with its host", (), "As O1."),
    Promise("O3", "a host is dead after five minutes of silence", (), "As O1."),
    Promise("O4", "claims are removed by who made them", (), "As O1."),
    Promise(
        "O5",
        "what is done under a claim may be done twice",
        (),
        "It binds who changes the program; tests do it twice.",
    ),
    Promise("O6", "only a job's owner writes its events", (Check.OWNER,)),
    Promise("V1", "who merely reads leaves no heartbeat", (), "Heartbeats are no part of the log."),
    Promise("V2", "a heartbeat is its owner's alone", (), "As V1."),
    Promise("V3", "nothing depends on heartbeats", (), "It binds who changes the program."),
    Promise("V4", "a nudge is a hint only", (), "Nudges leave no trace."),
    Promise(
        "M1",
        "hosts tell how far they have read the logs of others",
        (),
        "What a host had read leaves no other trace.",
    ),
    Promise(
        "M2",
        "a log that is shorter than was told is told of",
        (),
        "It says what programs do; `log verify` holds all marks against the logs.",
    ),
    Promise(
        "M3",
        "any change to what is older than the last mark is found",
        (),
        "`log verify` looks for such changes.",
    ),
    Promise(
        "H1",
        "what is put back comes from proven copies",
        (),
        "Where lines came from cannot be seen; that their chain holds is looked at under L4.",
    ),
    Promise(
        "H2",
        "lines are put back in new segments, the same byte for byte",
        (Check.REPEATS, Check.CONTINUITY),
    ),
    Promise("H3", "readers go on where lines were put back", (Check.READER,)),
    Promise(
        "H4",
        "a repair that was cut short does no harm",
        (),
        "That it was cut short cannot be told from a write error.",
    ),
    Promise(
        "H5",
        "lines that were given up are left out by all",
        (),
        "Whether a host has folded them before cannot be seen.",
    ),
    Promise("F1", "FORMAT is created once and never changed", (Check.FORMAT_FILE, Check.PROJECT)),
    Promise(
        "F2",
        "a FORMAT that cannot be used is refused",
        (),
        "It says what programs do; FORMAT itself is looked at under F1.",
    ),
    Promise(
        "F3",
        "nobody writes without knowing all features",
        (),
        "Which features a program knew leaves no trace in a log.",
    ),
    Promise(
        "F4",
        "nobody writes to a copy of a project",
        (),
        "Where else the project lies cannot be seen from inside it.",
    ),
    Promise("T1", "a transaction holds 1 to 1,000 events", (Check.TRANSACTION,)),
    Promise("S1", "no two records have the same stamp", (Check.STAMPS,)),
    Promise(
        "S2",
        "times rise whatever the clock does",
        (Check.TIME,),
        "What a writer had read when it wrote cannot be seen.",
    ),
    Promise("S3", "times far ahead are not believed", (Check.CLOCK,)),
    Promise(
        "S4",
        "an edit comes after what its author saw",
        (Check.LIFT,),
        "What the author saw cannot be seen; that x is behind h can.",
    ),
    Promise(
        "S5",
        "who writes has the share's time",
        (Check.CLOCK,),
        "What a host measured cannot be seen; times in the future can.",
    ),
    Promise(
        "C1",
        "the format's number rises with its meaning",
        (),
        "It binds who changes the program; this program reads format 1 only.",
    ),
    Promise("C2", "old shapes are lifted while reading", (Check.PAYLOAD,)),
    Promise("C3", "unknown types with `!` end writing", (Check.KNOWN,)),
    Promise("C4", "a name means one thing for ever", (), "Meanings do not stand in a log."),
    Promise(
        "K1",
        "checkpoints are hints",
        (),
        "They lie on the local disks of hosts, and prove themselves before each use.",
    ),
)

#: What is checked besides: rules of the product that stand on the format.
BESIDES: tuple[Promise, ...] = (
    Promise("state", "the state depends on the set of records only", (Check.AGAIN,)),
    Promise("tail", "logs end behind a line", (Check.TAIL,)),
    Promise("assets", "the same file has the same id on every host", (Check.ASSET_ID,)),
    Promise("files", "files are where the log says", (Check.FILES, Check.OUTPUTS)),
)
