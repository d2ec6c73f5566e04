"""Numbers and sizes as people read them. Pure."""

from __future__ import annotations


def size(count: int) -> str:
    """Bytes for people."""
    value = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            break
        value /= 1024
    return number(count, "byte") if unit == "bytes" else f"{value:.1f} {unit}"


def number(count: int, noun: str) -> str:
    """`1 job`, `2,000 jobs`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
