"""Keys that every database sorts and compares alike, whatever its collation."""

import re

from reconciler.hotwax.documents import bounded, clean

_DIGITS = re.compile(r"\d+", re.ASCII)
#: UTF-8 bytes of a sort key that are kept; what is equal up to there is sorted by id.
SORT_BYTES = 500


def sort_key(text: str) -> str:
    """Return the text as hex of its UTF-8, which sorts by code point on every database."""
    return clean(text)[:SORT_BYTES].encode()[:SORT_BYTES].hex()


def natural_sort_key(name: str) -> str:
    """Return a sort key by which `#999` comes before `#1001`, ignoring case."""

    def widen(match: re.Match[str]) -> str:
        digits = match[0].lstrip("0") or "0"
        # First how long the number is, then the number: no width limits it.
        return f"{len(digits):04d}{digits}"

    return sort_key(_DIGITS.sub(widen, name[:SORT_BYTES].casefold()))


def name_keys(name: str) -> tuple[str, str]:
    """Return the two keys by which a name is looked up.

    The name without case and one leading `#`, and what follows its last `#`.
    """
    key = clean(name).strip().casefold().removeprefix("#")
    return bounded(key), bounded(key.rpartition("#")[2])
