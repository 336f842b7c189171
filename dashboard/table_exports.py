"""The tables of Errors and Trends as CSV: the numbers that the page shows, safe to open."""

import csv
from collections.abc import Iterable, Iterator, Sequence

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from dashboard.charts.stacked import StackedChart
from dashboard.exports import moment_of, safe
from dashboard.filtering.parameters import ADVICE, CATEGORIES
from dashboard.trends.outcomes import Became
from dashboard.trends.panels import Trends
from dashboard.trends.rows import Row
from dashboard.wording import span_written
from reconciler import service
from reconciler.service import Freshness

ERROR_HEADINGS = (
    "what happened",
    "error signature",
    "category",
    "what to do",
    "label",
    "orders",
    "open",
    "missing",
    "shops",
    "attempts",
    "change",
    "before",
    "asked about",
    "arrived",
    "first seen (UTC)",
    "last seen (UTC)",
    "in Reconciler",
    "as of (UTC)",
)
#: One row a number: every table of the page in the same form.
TREND_HEADINGS = (
    "table",
    "row",
    "series",
    "now",
    "before",
    "from (UTC)",
    "until (UTC)",
    "as of (UTC)",
)
Cell = str | int | None
TrendRow = tuple[str, str, str, int | None, int | None]


def csv_answer(
    request: HttpRequest,
    fresh: Freshness,
    name: str,
    words: str,
    headings: Sequence[str],
    lines: Iterable[Sequence[Cell]],
) -> HttpResponse:
    """Send rows as CSV, the headings in the first line; what is not known is empty.

    The activity notes who took it, and by ``words`` what it shows.
    """
    rows = [[safe(cell) if isinstance(cell, str) else cell for cell in line] for line in lines]
    file = f"{name}-{timezone.localtime(fresh.now):%Y-%m-%d-%H%M}-{len(rows)}.csv"
    if request.method == "GET":
        actor = request.user.get_username()
        service.note_export(actor, service.mask_keys(words), file, timezone.now())
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    csv.writer(response).writerows([headings, *rows])
    response["Content-Disposition"] = f'attachment; filename="{file}"'
    return response


def error_lines(
    rows: Iterable[service.ErrorRow], fresh: Freshness, address: str
) -> Iterator[Sequence[Cell]]:
    """Yield a row per error; ``address`` is the absolute URL of the list of errors."""
    as_of = moment_of(fresh.as_of)
    for row in rows:
        signature = row.signature
        yield (
            signature.plain,
            signature.template,
            CATEGORIES[signature.category],
            ADVICE[signature.retry],
            row.label if fresh.loaded else "",
            row.orders,
            row.open,
            row.missing,
            row.shops,
            row.attempts,
            row.change,
            None if row.change is None else row.before,
            row.asked,
            row.arrived,
            moment_of(row.first_seen_at),
            moment_of(row.last_seen_at),
            f"{address}{signature.slug}/",
            as_of,
        )


def trend_lines(found: Trends, fresh: Freshness) -> Iterator[Sequence[Cell]]:
    """Yield a row per number of the page's tables."""
    period = (moment_of(found.bounds.start), moment_of(found.bounds.end), moment_of(fresh.as_of))
    for line in _trend_rows(found):
        yield (*line, *period)


def _trend_rows(found: Trends) -> Iterator[TrendRow]:
    yield ("in short", "failed", "", found.total.now, found.total.before)
    for row in found.percentiles:
        yield ("in short", row.label, "minutes", row.now, row.before)
    if found.became:
        yield from _in_short(found.became)
    if found.per_day:
        yield from _over_time(found.per_day)
    yield from _of_rows("by category", found.categories)
    yield from _of_rows("errors that moved most", found.errors)
    for shop in found.shops.rows:
        yield ("shops", shop.label, "failed", shop.now, shop.before)
        if shop.missing is not None:
            yield ("shops", shop.label, "missing", shop.missing, None)
        yield ("shops", shop.label, "first attempt, median, minutes", shop.p50, None)
        yield ("shops", shop.label, "first attempt, 9 in 10, minutes", shop.p90, None)
    if found.became:
        yield from _of_became(found.became)
    for day, cells, _ in found.heat.rows:
        for hour, cell in enumerate(cells):
            yield ("weekday and hour", day, f"{hour:02d}:00", cell.count, None)
    yield from _of_rows("age of what is open, days", found.ages)


def _in_short(became: Became) -> Iterator[TrendRow]:
    now, before = became.outcomes, became.before
    for label, name in (
        ("asked about", "asked"),
        ("arrived", "arrived"),
        ("failure to arrival, median", "p50"),
        ("failure to arrival, 9 in 10", "p90"),
        ("resolved once", "was_resolved"),
        ("of these reopened", "was_reopened"),
    ):
        series = "minutes" if name in ("p50", "p90") else ""
        yield ("in short", label, series, getattr(now, name), getattr(before, name, None))


def _of_became(became: Became) -> Iterator[TrendRow]:
    for verdict in became.verdicts:
        yield ("in HotWax by now?", verdict.label, "", verdict.now, None)
    for arrived in became.arrivals:
        yield ("time to arrival", arrived.label, "", arrived.now, None)
    for one in became.outcomes.resolvers:
        yield ("who resolved", one.actor, "", one.orders, None)
        yield ("who resolved", one.actor, "minutes, median", one.median, None)
    for bar in became.backlog:
        yield ("not resolved", span_written(bar.start, became.unit), "", bar.count, None)


def _over_time(chart: StackedChart) -> Iterator[TrendRow]:
    table = f"failed per {chart.unit}"
    for stack in chart.stacks:
        begin = span_written(stack.start, chart.unit)
        if stack.unseen:
            yield (table, begin, "not seen", None, None)
        for series, count in zip(chart.series, stack.counts, strict=True):
            yield (table, begin, series.label, count, None)
        yield (table, begin, "all", stack.total, stack.before)


def _of_rows(table: str, rows: Iterable[Row]) -> Iterator[TrendRow]:
    for row in rows:
        yield (table, row.label, "", row.now, row.before)
