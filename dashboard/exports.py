"""Orders as CSV: all that match, streamed, safe to open in a spreadsheet."""

import csv
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from dashboard.filtering.chips import in_words
from dashboard.filtering.order_filter import OrderFilter
from reconciler import service

CHUNK = 500
#: A cell that begins so would be a formula; an apostrophe makes it text.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

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
    """Keep a spreadsheet from running a cell as a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _moment(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if moment else ""
