"""Periods by the calendar: yesterday, this week, last week, and the ones before them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from dashboard.filtering.periods import before_period, bounds_of_period
from tests.clock import NOW
from tests.dashboard.conftest import Open
from tests.dashboard.test_read import read
from tests.makers import document

#: Thursday, 26 November 2026, half past midnight in Berlin: in UTC it is Wednesday.
THURSDAY = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)
#: Monday and Sunday of the week in which clocks went back in Berlin (25 October 2026).
MONDAY, SUNDAY = datetime(2026, 10, 19, 8, tzinfo=UTC), datetime(2026, 10, 25, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "period", "start", "end", "before"),
    [
        (THURSDAY, "yesterday", "2026-11-25", "2026-11-26", "2026-11-24"),
        (THURSDAY, "this_week", "2026-11-23", "2026-11-30", "2026-11-16"),
        (THURSDAY, "last_week", "2026-11-16", "2026-11-23", "2026-11-09"),
        (MONDAY, "yesterday", "2026-10-18", "2026-10-19", "2026-10-17"),
        (MONDAY, "this_week", "2026-10-19", "2026-10-26", "2026-10-12"),
        (MONDAY, "last_week", "2026-10-12", "2026-10-19", "2026-10-05"),
        (SUNDAY, "this_week", "2026-10-19", "2026-10-26", "2026-10-12"),
        (SUNDAY, "last_week", "2026-10-12", "2026-10-19", "2026-10-05"),
    ],
)
@pytest.mark.parametrize("forward", [False, True])
def test_weeks_are_those_of_the_calendar_in_the_dashboards_zone(
    now: datetime, period: str, start: str, end: str, before: str, forward: bool
) -> None:
    with timezone.override("Europe/Berlin"):
        bounds = bounds_of_period(period, now, forward=forward)
        earlier = before_period(period, now, forward=forward)
        assert bounds.start and bounds.end and earlier and earlier.start
        days = [timezone.localtime(moment) for moment in (bounds.start, bounds.end, earlier.start)]
        assert [f"{day:%Y-%m-%d %H:%M}" for day in days] == [
            f"{day} 00:00" for day in (start, end, before)
        ]
        assert earlier.end == bounds.start


@pytest.mark.django_db
@pytest.mark.parametrize("period", ["yesterday", "this_week", "last_week"])
def test_the_list_holds_exactly_the_orders_of_these_days(
    period: str, keep: Callable[..., None], open_page: Open
) -> None:
    hours = range(0, 24 * 16, 5)
    raws: list[Any] = [
        document(f"#{n}", document_id=f"d{n}", logged=NOW - timedelta(hours=n)) for n in hours
    ]
    keep(*raws)
    bounds = bounds_of_period(period, NOW)
    assert bounds.start and bounds.end
    expected = {f"#{n}" for n in hours if bounds.start <= NOW - timedelta(hours=n) < bounds.end}
    page = open_page(f"/orders/?view=all&per_page=200&period={period}")
    assert set(page.names) == expected
    assert page.total == len(expected)
    chart = page.root.one("table", data_chart=...)  # type: ignore[arg-type]
    totals = [row.all("td")[-1].get("data-value") for row in chart.one("tbody").all("tr")]
    assert sum(map(int, totals)) == len(expected)
    last = chart.one("tbody").all("tr")[-1].one("time").get("datetime")
    assert last[:10] <= f"{timezone.localtime(NOW):%Y-%m-%d}"  # no day that is still to come
    assert period.replace("_", " ") in page.root.one("ul", class_="chips").text


@pytest.mark.parametrize(
    ("now", "query", "end"),
    [
        (THURSDAY, "period=this_week", "2026-11-27"),
        (SUNDAY, "period=this_week", "2026-10-26"),
        (THURSDAY, "period=last_week", "2026-11-23"),
        # Days of one's own, and those on which orders expire, may lie ahead.
        (THURSDAY, "from=2026-11-23&to=2026-11-29", "2026-11-30"),
        (THURSDAY, "period=this_week&date=expires", "2026-11-30"),
    ],
)
def test_what_of_a_week_is_still_to_come_is_left_out(now: datetime, query: str, end: str) -> None:
    with timezone.override("Europe/Berlin"):
        bounds = read(query).bounds_so_far(now)
        assert bounds.end
        assert f"{timezone.localtime(bounds.end):%Y-%m-%d %H:%M}" == f"{end} 00:00"


@pytest.mark.parametrize("page", ["errors", "trends"])
def test_a_reports_weeks_are_one_click_away(
    page: str, open_page: Open, keep: Callable[..., None]
) -> None:
    keep(document("#1"))
    for period, name in (("this_week", "This week"), ("last_week", "Last week")):
        here = open_page(f"/{page}/?shop=a.com&from={NOW.date()}&page=2").root
        (link,) = [a for a in here.one("form", class_="filters").all("a") if a.text == name]
        assert link.get("href") == f"/{page}/?shop=a.com&period={period}"
        there = open_page(link.get("href")).root.one("form", class_="filters")
        assert [a.text for a in there.all("a", aria_current="true")] == [name]
    orders = open_page("/orders/").root.one("form", class_="filters")
    assert "Last week" not in [a.text for a in orders.all("a")]


def test_only_the_bar_of_now_stands_out(open_page: Open, keep: Callable[..., None]) -> None:
    keep(
        document("#1", logged=NOW - timedelta(hours=1)),
        document("#2", document_id="b", logged=NOW - timedelta(days=7)),
    )
    for query, standing_out in (("", 1), ("?period=last_week", 0), ("?period=all", 1)):
        charts = open_page(f"/errors/{query}").root.all("svg", class_="spark")
        assert charts, query
        for chart in charts:
            bars = chart.all("g")
            marked = [number for number, bar in enumerate(bars, 1) if bar.get("class") == "is-now"]
            assert marked == [len(bars)] * standing_out, query
