"""A deterministic simulator of several hosts that work on one project on a share.

    python -m tests.simulation --seeds 200000        many runs; `--from N` begins elsewhere
    python -m tests.simulation --seed N              one run, and all that happens in it
    python -m tests.simulation --build 'no fsync'    a build that is broken on purpose

A run follows from its number: hosts, clocks, mount, steps (`plan`), and at each call of the log to
the share (`mount`, `server`) what time passes, who else has a turn in the midst of it, whether it
fails, and whether the host ends there (`world`). The log, the codec, the clock and the projections
are the product's own; only threads are not: what waits to be written is written when a step says
so. Then the share is healed, everybody reads on, a host that was never there before reads all, and
the promises P1 to P6 are looked at (`ledger` while it runs, `judge` at the end).

Steps have dice of their own, so any may be left out: a failure is made small, and printed with what
happened and how to see it again (`runner`). What was found is kept in `test_found` as small
stories, since numbers mean another run once the product makes other calls.

What no software can undo (a rollback, a bit that turns, two machines that are one) must be noticed
by whoever could know of it, and, where a mark covers it, by all. Not modelled: other files than
segments, repair, and what is moved to `cold/`.
"""
