"""Ids that sort by time and fit into file names: Crockford base32, lower case, no separators."""

from __future__ import annotations

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"

#: 48 bits of milliseconds and 32 random bits.
WRITER_LENGTH = 16
#: A ULID: 48 bits of milliseconds and 80 random bits.
ULID_LENGTH = 26


def base32(value: int, length: int) -> str:
    """`value` in Crockford base32, padded to `length` digits."""
    digits = []
    for _ in range(length):
        value, digit = divmod(value, 32)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def writer_id(ms: int, random: int) -> str:
    """A writer's id (one incarnation of a host) from the time and 32 random bits."""
    return base32(ms << 32 | random, WRITER_LENGTH)


def ulid(ms: int, random: int) -> str:
    """A project's id from the time and 80 random bits."""
    return base32(ms << 80 | random, ULID_LENGTH)


def is_id(text: str, length: int) -> bool:
    """Whether `text` is such an id."""
    return len(text) == length and all(c in ALPHABET for c in text)
