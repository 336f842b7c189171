"""Orders as CSV: all that match, streamed, safe to open in a spreadsheet."""

import csv
import re
import unicodedata
from array import array
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from dashboard.filtering.chips import in_words
from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.parameters import ADVICE, CATEGORIES, STATES
from reconciler import service

CHUNK = 1000
#: What a spreadsheet may run as a formula begins with one of these.
SIGNS = tuple("=+-@＝＋－＠﹢﹣﹦﹫")
#: Where a spreadsheet may begin a cell that was set to another separator than the comma. Quotes do
#: not help there: they are not at the ends of what it takes for a cell.
_SEPARATORS = re.compile(r"([;\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029])")
#: Without one of these there is nothing to guard.
_SUSPECT = re.compile(r"[=+\-@＝＋－＠﹢﹣﹦﹫]|^[\t\r\n]")
#: Unicode categories of characters without width, and others that are blank.
_INVISIBLE = ("Cc", "Cf", "Mn", "Zl", "Zp", "Zs")
_BLANK = "\"'\u115f\u1160\u3164\uffa0"

HEADINGS = (
    "order",
    "shop",
    "error",
    "error signature",
    "category",
    "what to do",
    "attempts",
    "created (UTC)",
    "first attempt (UTC)",
    "last failed (UTC)",
    "expires (UTC)",
    "status",
    "Shopify URL",
    "in Reconciler",
)


class _Echo:
    """A file whose ``write`` returns the text, so that rows can be streamed."""

    def write(self, text: str) -> str:
        return text


def csv_lines(asked: OrderFilter, fresh: service.Freshness, address: str) -> Iterator[str]:
    """Yield the rows as CSV lines, after lines with as-of, filters and the number of rows.

    ``address`` is the absolute URL of orders' pages, without the number of one.
    """
    sorted_keys = asked.matching(fresh.now).sorted_by(asked.sort).values_list("pk", flat=True)
    keys = array("q", sorted_keys.iterator(CHUNK))
    writer = csv.writer(_Echo())
    as_of = _moment(fresh.as_of) or "nothing has been read yet"
    yield "\ufeff" + writer.writerow(["Failed orders as of (UTC)", as_of])
    yield writer.writerow(["Filters", safe(in_words(asked))])
    yield writer.writerow(["Rows", len(keys)])
    yield writer.writerow(HEADINGS)
    for i in range(0, len(keys), CHUNK):
        chunk = list(keys[i : i + CHUNK])
        rows = service.whole_rows(chunk)
        # In one piece: a piece a row costs more than the row.
        yield "".join(
            writer.writerow(_cells(rows[pk], f"{address}{pk}/")) for pk in chunk if pk in rows
        )


def _cells(row: tuple[Any, ...], link: str) -> list[str | int]:
    name, shop, error, template, category, retry, attempts, *dates, state, site = row
    return [
        safe(name),
        _safe_again(shop),
        safe(error or ""),
        _safe_again(template),
        CATEGORIES[category],
        ADVICE[retry],
        attempts,
        *map(_moment, dates),
        STATES[state],
        safe(service.mask_keys(site)),
        link,
    ]


def safe(text: str) -> str:
    """Put an apostrophe, which makes text, before whatever a spreadsheet may run as a formula."""
    if not _SUSPECT.search(text):
        return text
    parts = _SEPARATORS.split(text)
    guarded = "".join(f"'{part}" if _is_formula(part) else part for part in parts)
    starts_odd = _is_formula(text) or text.startswith(("\t", "\r", "\n"))
    return f"'{guarded}" if starts_odd and not guarded.startswith("'") else guarded


#: For what stands in many rows.
_safe_again = lru_cache(maxsize=1024)(safe)


def _is_formula(text: str) -> bool:
    """Return True if the first character that can be seen is a sign."""
    for character in text:
        if character in _BLANK or unicodedata.category(character) in _INVISIBLE:
            continue
        return character in SIGNS
    return False


def _moment(moment: datetime | str | None) -> str:
    """Write a moment of UTC, to the second; SQLite has it written so."""
    if not isinstance(moment, datetime):
        return (moment or "")[:19]
    return moment.astimezone(UTC).isoformat(" ", "seconds")[:19]
