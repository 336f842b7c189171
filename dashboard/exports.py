"""Orders as CSV: all that match, streamed, safe to open in a spreadsheet."""

import csv
import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from dashboard.filtering.chips import in_words
from dashboard.filtering.order_filter import OrderFilter
from reconciler import service

CHUNK = 500
#: What a spreadsheet may run as a formula begins with one of these.
SIGNS = tuple("=+-@＝＋－＠﹢﹣﹦﹫")
#: Where a spreadsheet may begin a cell that was set to another separator than the comma. Quotes do
#: not help there: they are not at the ends of what it takes for a cell.
_SEPARATORS = re.compile(r"([;\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029])")
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


def csv_lines(
    asked: OrderFilter, fresh: service.Freshness, link_of_order: Callable[[int], str]
) -> Iterator[str]:
    """Yield the rows as CSV lines, after lines with as-of, filters and the number of rows."""
    keys = list(asked.matching(fresh.now).sorted_by(asked.sort).values_list("pk", flat=True))
    writer = csv.writer(_Echo())
    as_of = _moment(fresh.as_of) or "nothing has been read yet"
    yield "\ufeff" + writer.writerow(["Failed orders as of (UTC)", as_of])
    yield writer.writerow(["Filters", safe(in_words(asked))])
    yield writer.writerow(["Rows", len(keys)])
    yield writer.writerow(HEADINGS)
    for i in range(0, len(keys), CHUNK):
        chunk = keys[i : i + CHUNK]
        rows = service.failed_orders().for_list().in_bulk(chunk)
        errors = service.full_errors(list(rows.values()))
        for pk in chunk:
            if pk in rows:
                yield writer.writerow(_cells(rows[pk], errors.get(pk, ""), link_of_order(pk)))


def _cells(order: service.FailedOrder, error: str, link: str) -> list[str | int]:
    return [
        safe(order.order_name),
        safe(order.shop.name),
        safe(error),
        safe(order.signature.template),
        order.signature.get_category_display(),
        order.signature.get_retry_display(),
        order.attempt_count,
        _moment(order.order_created_at),
        _moment(order.first_at),
        _moment(order.last_failed_at),
        _moment(order.expires_at),
        order.get_state_display(),
        safe(service.mask_keys(order.site_url)),
        link,
    ]


def safe(text: str) -> str:
    """Put an apostrophe, which makes text, before whatever a spreadsheet may run as a formula."""
    parts = _SEPARATORS.split(text)
    guarded = "".join(f"'{part}" if _is_formula(part) else part for part in parts)
    starts_odd = _is_formula(text) or text.startswith(("\t", "\r", "\n"))
    return f"'{guarded}" if starts_odd and not guarded.startswith("'") else guarded


def _is_formula(text: str) -> bool:
    """Return True if the first character that can be seen is a sign."""
    for character in text:
        if character in _BLANK or unicodedata.category(character) in _INVISIBLE:
            continue
        return character in SIGNS
    return False


def _moment(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if moment else ""
