"""Keys that every database sorts and compares alike, whatever its collation."""

import re

from reconciler.hotwax.documents import bounded, clean

_DIGITS = re.compile(r"\d+", re.ASCII)
#: UTF-8 bytes of a sort key that are kept; what is equal up to there is sorted by id.
SORT_BYTES = 500


def sort_key(text: str) -> str:
    """Write a text as hex of its UTF-8: sorts by code point on SQLite and on PostgreSQL."""
    return clean(text)[:SORT_BYTES].encode()[:SORT_BYTES].hex()


def natural_sort_key(name: str) -> str:
    """Make a sort key in which numbers count as numbers: `#999` before `#1001`, case ignored."""

    def widen(match: re.Match[str]) -> str:
        digits = match[0].lstrip("0") or "0"
        # First how long the number is, then the number: no width limits it.
        return f"{len(digits):04d}{digits}"

    return sort_key(_DIGITS.sub(widen, name[:SORT_BYTES].casefold()))


def name_keys(name: str) -> tuple[str, str]:
    """Make what a name is looked up by.

    Itself without case and one leading `#`, and what follows its last `#`.
    """
    key = clean(name).strip().casefold().removeprefix("#")
    return bounded(key), bounded(key.rpartition("#")[2])
