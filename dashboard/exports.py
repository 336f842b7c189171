"""Orders as CSV: all that match, streamed, safe to open in a spreadsheet."""

import csv
import json
import logging
import re
import unicodedata
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from dashboard.filtering.chips import in_words
from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.parameters import ADVICE, CATEGORIES, STATES, VERDICTS
from reconciler import service

logger = logging.getLogger(__name__)

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
    "what happened",
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
    "owner",
    "in HotWax?",
    "asked (UTC)",
    "OMS orders",
    "Shopify admin",
    "in Reconciler",
    "as of (UTC)",
)
#: The last line of an export that broke off begins so.
BROKEN_OFF = "INCOMPLETE"


class _Echo:
    """A file whose ``write`` returns the text, so that rows can be streamed."""

    def write(self, text: str) -> str:
        return text


def keys_of(asked: OrderFilter, fresh: service.Freshness) -> Sequence[int]:
    """Return the primary keys of all orders that match, in the list's order."""
    rows = asked.matching(fresh.now).sorted_by(asked.sort).values_list("pk", flat=True)
    return array("q", rows.iterator(CHUNK))


def slices_of(keys: Sequence[int]) -> Iterator[list[tuple[int, tuple[Any, ...]]]]:
    """Read these orders in their order, CHUNK at a time; what is gone by now is left out."""
    for i in range(0, len(keys), CHUNK):
        chunk = list(keys[i : i + CHUNK])
        rows = service.whole_rows(chunk)
        yield [(pk, rows[pk]) for pk in chunk if pk in rows]


def csv_lines(
    keys: Sequence[int],
    fresh: service.Freshness,
    address: str,
    head: Iterable[tuple[str, Any]] = (),
) -> Iterator[str]:
    """Yield a line of headings and one per order, as CSV, in pieces.

    ``address`` is the absolute URL of orders' pages, without the number of one; ``head`` are rows
    to stand before the headings. Where reading fails midway the last line says so: a file that
    ends early must not look whole.
    """
    writer, as_of = csv.writer(_Echo()), moment_of(fresh.as_of)
    above = [(title, safe(str(value))) for title, value in head]
    yield "\ufeff" + "".join(writer.writerow(row) for row in [*above, HEADINGS])
    try:
        for rows in slices_of(keys):
            # In one piece: a piece a row costs more than the row.
            yield "".join(
                writer.writerow([*cells_of(row, safe, _safe_again), f"{address}{pk}/", as_of])
                for pk, row in rows
            )
    except Exception:
        logger.exception("An export broke off")
        yield writer.writerow([f"{BROKEN_OFF}: reading failed; export again"])


def head_of(asked: OrderFilter, fresh: service.Freshness, count: int) -> list[tuple[str, Any]]:
    """Return what is said of an export: as of when, filters, rows. Nothing is made safe yet."""
    as_of = moment_of(fresh.as_of) or "nothing has been read yet"
    return [
        ("Failed orders as of (UTC)", as_of),
        ("Filters", service.mask_keys(in_words(asked))),
        ("Rows", count),
    ]


def cells_of(
    row: tuple[Any, ...], text: Callable[[str], str], again: Callable[[str], str]
) -> list[str | int]:
    """Return the cells of an order below HEADINGS, without the last two.

    ``text`` writes what is an order's own, ``again`` what stands in many rows.
    """
    name, shop, handle, error, plain, template, category, retry, attempts, *rest = row
    *dates, asked_at, state, owner, verdict, oms_orders = rest
    oms = [] if oms_orders == "[]" else _oms_of(oms_orders)
    return [
        text(name),
        again(shop),
        plain,
        text(error or ""),
        again(template),
        CATEGORIES[category],
        ADVICE[retry],
        attempts,
        *(date or "" for date in dates),
        STATES[state],
        text(owner or ""),
        VERDICTS[verdict],
        asked_at or "",
        text(", ".join(order["id"] for order in oms)),
        service.admin_link(handle, name, service.shopify_id_of(verdict, oms)),
    ]


def _oms_of(written: Any) -> list[dict[str, str]]:
    """Read the OMS orders of a row; some databases have read them already."""
    orders: list[dict[str, str]] = json.loads(written) if isinstance(written, str) else written
    return orders


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


def moment_of(moment: datetime | None) -> str:
    """Write a moment in UTC, to the second."""
    return moment.astimezone(UTC).isoformat(" ", "seconds")[:19] if moment else ""
