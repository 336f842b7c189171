"""Trends: how it goes, against the period before."""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.charts.headline import is_to_come
from dashboard.charts.stacked import StackedChart
from dashboard.filtering.chips import chips_of, in_words
from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.parameters import BY_NAMES, COUNT_NAMES, DATE_NAMES, TRENDS
from dashboard.filtering.periods import Bounds
from dashboard.filtering.query import Query
from dashboard.list_page import answer, facets_of, filter_form, frame_of_list, later, part_key
from dashboard.middleware import fresh_of
from dashboard.table_exports import TREND_HEADINGS, csv_answer, trend_lines
from dashboard.trends.outcomes import Became
from dashboard.trends.panels import Trends, trends_of
from dashboard.trends.rows import Row
from dashboard.wording import full_day, machine
from reconciler.service import Freshness, Outcomes

PARTS = {
    "": "dashboard/trends.html",
    "list": "dashboard/_trends.html",
    "results": "dashboard/_trend_results.html",
}


@require_safe
def trends(request: HttpRequest) -> HttpResponse:
    """Show the trends of the orders that match the query string."""
    fresh, form = fresh_of(request), filter_form(request, Query.of(request.GET, TRENDS))
    context = frame_of_list(form, fresh, reverse("dashboard:trends"))
    context |= {"by_names": BY_NAMES, "count_names": COUNT_NAMES}
    context["exports"] = [("export", "Export CSV", reverse("dashboard:trends_csv"))]
    if form.is_valid():
        context |= _panels(form.asked, fresh)
    return answer(request, form, PARTS, context)


@require_safe
def export_csv(request: HttpRequest) -> HttpResponse:
    """Send the numbers of the page as CSV; a filter that cannot be read is told by the page."""
    fresh, form = fresh_of(request), filter_form(request, Query.of(request.GET, TRENDS))
    if not form.is_valid():
        return trends(request)
    lines, words = trend_lines(trends_of(form.asked, fresh), fresh), in_words(form.asked)
    return csv_answer(request, fresh, "trends", f"trends: {words}", TREND_HEADINGS, lines)


def _panels(asked: OrderFilter, fresh: Freshness) -> dict[str, Any]:
    found = trends_of(asked, fresh)
    return {
        "trends": found,
        "part_key": part_key(asked, fresh, reverse("dashboard:trends")),
        "facets": later(lambda: facets_of(asked, fresh)),
        "has_facet_menu": found.ever,
        # The default period has a chip, but there is nothing to remove.
        "chips": [chip for chip in chips_of(asked) if chip.without.pairs != asked.query.pairs],
        "by_name": BY_NAMES[asked["by"]].lower(),
        "date_name": DATE_NAMES[asked.dated_by].lower(),
        "noun": "attempts" if asked.counts_attempts else "orders",
        "span_words": _days_in_words(asked, found.bounds, fresh.now),
        "today_words": ". Today is not over." if _is_unfinished(asked, fresh) else ".",
        "before_words": _days_in_words(asked, found.before, fresh.now) if found.before else "",
        "why_not_compared": "" if found.before else _why_not_compared(asked, fresh),
    }


def _is_unfinished(asked: OrderFilter, fresh: Freshness) -> bool:
    """Return True if the period holds today, of which something is still to come."""
    end = asked.bounds_so_far(fresh.now).end
    return asked.dated_by != "expires" and (end is None or end > fresh.now)


def _days_in_words(asked: OrderFilter, bounds: Bounds, now: datetime) -> str:
    """Name the first and the last day of a period."""
    start, end = bounds.start, bounds.end or now
    if start is None:
        return "all time" if bounds.end is None else f"until {_day(end - timedelta.resolution)}"
    if asked["period"] == "24h" and not any(asked.days):
        return f"{_moment(start)} – {_moment(end)}"
    first, last = _day(start), _day(end - timedelta.resolution)
    return first if first == last else f"{first} – {last}"


def _day(moment: datetime) -> str:
    return full_day(timezone.localtime(moment))


def _moment(moment: datetime) -> str:
    return f"{_day(moment)}, {timezone.localtime(moment):%H:%M}"


def _why_not_compared(asked: OrderFilter, fresh: Freshness) -> str:
    if fresh.seen is None:
        return "Nothing is compared before HotWax’s log was read in full once."
    if asked.before(fresh.now) is None:
        return "There is no period before this one to compare it with."
    if is_to_come(asked, fresh):
        return "Not compared with the period before: its last days are still to come."
    return "Not compared with the period before: some of its days, or of these, were not seen."


@require_safe
def api(request: HttpRequest) -> JsonResponse:
    """Answer the same numbers as JSON."""
    fresh, form = fresh_of(request), filter_form(request, Query.of(request.GET, TRENDS))
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=400)
    asked, found = form.asked, trends_of(form.asked, fresh)
    head = {
        "as_of": _written(fresh.as_of),
        "count": asked["count"],
        "date": asked.dated_by,
        "by": asked["by"],
        "period": _period(found.bounds),
        "before": _period(found.before) if found.before else None,
        "seen_since": _written(found.seen_since),
    }
    return JsonResponse(head | _figures(found))


def _figures(found: Trends) -> dict[str, Any]:
    return {
        "failed": _numbers(found.total),
        "minutes_to_first_attempt": _minutes(found),
        "over_time": _over_time(found.per_day),
        "categories": [_row(row) for row in found.categories],
        "errors_moved": [_row(row) for row in found.errors],
        "stores_moved": [_row(row) for row in found.shop_movers],
        "stores": [_row(row) | {"p50": row.p50, "p90": row.p90} for row in found.shops.rows],
        "weekday_hours": [[cell.count for cell in cells] for _, cells, _ in found.heat.rows],
        "open_by_age": [{"days": row.label, "count": row.now} for row in found.ages],
        "outcomes": _became(found.became) if found.became else None,
        "last_logged": _written(found.silence.last) if found.silence else None,
    }


def _became(became: Became) -> dict[str, Any]:
    found = became.outcomes
    return {
        "verdicts": found.verdicts,
        "asked": found.asked,
        "resolved_by_program": found.resolved_by_program,
        "resolved_by_people": found.resolved_by_people,
        "was_resolved": found.was_resolved,
        "was_reopened": found.was_reopened,
        "minutes_to_arrival": {"measured": found.measured, "p50": found.p50, "p90": found.p90},
        "arrivals": found.arrivals,
        "resolvers": [
            {"actor": one.actor, "count": one.orders, "median_minutes": one.median}
            for one in found.resolvers
        ],
        "before": None if became.before is None else _outcomes_before(became.before),
        "not_resolved": [
            {"from": _written(bar.start), "count": bar.count} for bar in became.backlog
        ],
    }


def _outcomes_before(before: Outcomes) -> dict[str, int | None]:
    return {
        "asked": before.asked,
        "arrived": before.arrived,
        "p50": before.p50,
        "p90": before.p90,
        "was_resolved": before.was_resolved,
        "was_reopened": before.was_reopened,
    }


def _period(bounds: Bounds) -> dict[str, str | None]:
    return {"from": _written(bounds.start), "until": _written(bounds.end)}


def _written(moment: datetime | None) -> str | None:
    return machine(moment) if moment else None


def _numbers(row: Row) -> dict[str, int | None]:
    return {"now": row.now, "before": row.before}


def _row(row: Row) -> dict[str, Any]:
    return {"key": row.key, "label": row.label, **_numbers(row)}


def _minutes(found: Trends) -> dict[str, Any]:
    rows = {row.key: _numbers(row) for row in found.percentiles}
    return {name: rows.get(name) for name in ("p50", "p90")}


def _over_time(per_day: StackedChart | None) -> dict[str, Any] | None:
    if per_day is None:
        return None
    keys = [one.key for one in per_day.series]
    return {
        "unit": per_day.unit,
        "spans": [
            {
                "from": _written(stack.start),
                "until": _written(stack.end),
                "seen": not stack.unseen,
                "count": stack.total,
                "before": stack.before,
                "parts": dict(zip(keys, stack.counts, strict=True)),
            }
            for stack in per_day.stacks
        ],
    }
