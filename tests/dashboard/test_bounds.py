"""Periods in days, their edges at the ends of the calendar, and the pieces of a chart."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from dashboard.filtering.periods import (
    SMALL_UNITS,
    UNITS,
    Bounds,
    before_days,
    before_period,
    bounds_of_days,
    bounds_of_period,
    days_of_period,
    edges_between,
)

#: A day that few years have; in Berlin it is the 29th already.
LEAP = datetime(2028, 2, 28, 23, 30, tzinfo=UTC)
PLAIN = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "period", "forward", "first", "last"),
    [
        (PLAIN, "7d", False, "2026-11-18", "2026-11-24"),
        (PLAIN, "7d", True, "2026-11-24", "2026-11-30"),
        (PLAIN, "30d", False, "2026-10-26", "2026-11-24"),
        (PLAIN, "60d", False, "2026-09-26", "2026-11-24"),
        (PLAIN, "90d", False, "2026-08-27", "2026-11-24"),
        (PLAIN, "90d", True, "2026-11-24", "2027-02-21"),
        (PLAIN, "12m", False, "2025-11-25", "2026-11-24"),
        (PLAIN, "12m", True, "2026-11-24", "2027-11-23"),
        (LEAP, "12m", False, "2027-03-01", "2028-02-29"),
        (LEAP, "12m", True, "2028-02-29", "2029-02-27"),
    ],
)
def test_a_period_in_days_includes_today(
    now: datetime, period: str, forward: bool, first: str, last: str
) -> None:
    with timezone.override("Europe/Berlin"):
        days = days_of_period(period, now, forward=forward)
        bounds = bounds_of_period(period, now, forward=forward)
        earlier = before_period(period, now, forward=forward)
        assert days == (date.fromisoformat(first), date.fromisoformat(last))
        assert bounds == bounds_of_days(*days)
        assert earlier == before_days(*days)


@pytest.mark.parametrize("forward", [False, True])
def test_all_time_has_no_days_no_bounds_and_nothing_before(forward: bool) -> None:
    assert days_of_period("all", PLAIN, forward=forward) is None
    assert bounds_of_period("all", PLAIN, forward=forward) == Bounds()
    assert before_period("all", PLAIN, forward=forward) is None


@pytest.mark.parametrize(
    ("forward", "of_period", "of_before"),
    [(False, (-24, None), (-48, -24)), (True, (0, 24), (-24, 0))],
)
def test_a_day_of_24_hours_is_counted_from_now(
    forward: bool, of_period: tuple[int, int | None], of_before: tuple[int, int]
) -> None:
    def at(hours: int | None) -> datetime | None:
        return None if hours is None else PLAIN + timedelta(hours=hours)

    assert bounds_of_period("24h", PLAIN, forward=forward) == Bounds(*map(at, of_period))
    assert before_period("24h", PLAIN, forward=forward) == Bounds(*map(at, of_before))


DAY = date(2026, 11, 24)
NIGHT = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("first", "last", "start", "end"),
    [
        (None, None, None, None),
        (DAY, None, NIGHT, None),
        (None, DAY, None, NIGHT + timedelta(days=1)),
        (DAY, DAY, NIGHT, NIGHT + timedelta(days=1)),
        (date(1, 1, 1), DAY, None, NIGHT + timedelta(days=1)),
        (date(1, 12, 31), None, None, None),
        (date(2, 1, 1), None, datetime(2, 1, 1, tzinfo=UTC), None),
        (DAY, date(9999, 1, 1), NIGHT, None),
        (None, date(9998, 12, 31), None, datetime(9999, 1, 1, tzinfo=UTC)),
    ],
)
def test_two_days_are_both_included_and_the_ends_of_the_calendar_are_open(
    first: date | None, last: date | None, start: datetime | None, end: datetime | None
) -> None:
    with timezone.override(UTC):
        assert bounds_of_days(first, last) == Bounds(start, end)


@pytest.mark.parametrize(
    ("first", "last", "before"),
    [
        (None, DAY, None),
        (DAY, DAY - timedelta(days=1), None),
        (DAY, DAY, (DAY - timedelta(days=1), DAY - timedelta(days=1))),
        (DAY, DAY + timedelta(days=2), (DAY - timedelta(days=3), DAY - timedelta(days=1))),
        # As long before the first day of the calendar there is nothing.
        (date(1, 1, 2), date(1, 1, 2), None),
        (date(1, 1, 3), date(1, 1, 3), (date(1, 1, 2), date(1, 1, 2))),
        (date(1, 1, 10), date(1, 1, 18), None),
        (date(1, 1, 10), date(1, 1, 17), (date(1, 1, 2), date(1, 1, 9))),
    ],
)
def test_the_days_before_are_as_many_and_end_the_day_before(
    first: date | None, last: date, before: tuple[date, date] | None
) -> None:
    assert before_days(first, last) == (before and bounds_of_days(*before))


BEGIN = datetime(2026, 1, 14, 10, 20, 30, 400, tzinfo=UTC)  # a Wednesday
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("units", "span", "unit"),
    [
        (UNITS, timedelta(hours=50), "hour"),
        (UNITS, timedelta(hours=50) + SECOND, "day"),
        (UNITS, timedelta(days=100), "day"),
        (UNITS, timedelta(days=100) + SECOND, "week"),
        (UNITS, timedelta(days=3 * 366), "week"),
        (UNITS, timedelta(days=3 * 366) + SECOND, "month"),
        (UNITS, timedelta(days=12 * 366), "month"),
        (UNITS, timedelta(days=12 * 366) + SECOND, "year"),
        (SMALL_UNITS, timedelta(hours=50), "hour"),
        (SMALL_UNITS, timedelta(hours=50) + SECOND, "day"),
        (SMALL_UNITS, timedelta(days=15), "day"),
        (SMALL_UNITS, timedelta(days=15) + SECOND, "week"),
        (SMALL_UNITS, timedelta(days=16 * 7), "week"),
        (SMALL_UNITS, timedelta(days=16 * 7) + SECOND, "month"),
        (SMALL_UNITS, timedelta(days=2 * 366), "month"),
        (SMALL_UNITS, timedelta(days=2 * 366) + SECOND, "year"),
    ],
)
def test_a_span_is_cut_by_its_length(
    units: dict[str, timedelta], span: timedelta, unit: str
) -> None:
    assert edges_between(BEGIN, BEGIN + span, units)[0] == unit


@pytest.mark.parametrize(
    ("zone", "span", "inner"),
    [
        ("UTC", timedelta(hours=2), ["2026-01-14T11:00:00", "2026-01-14T12:00:00"]),
        ("Asia/Kolkata", timedelta(hours=2), ["2026-01-14T10:30:00", "2026-01-14T11:30:00"]),
        (
            "UTC",
            timedelta(days=3),
            ["2026-01-15T00:00:00", "2026-01-16T00:00:00", "2026-01-17T00:00:00"],
        ),
        (
            "Europe/Berlin",
            timedelta(days=2, hours=3),
            ["2026-01-14T23:00:00", "2026-01-15T23:00:00"],
        ),
    ],
)
def test_hours_and_days_begin_by_local_time(zone: str, span: timedelta, inner: list[str]) -> None:
    with timezone.override(zone):
        _, edges = edges_between(BEGIN, BEGIN + span)
    assert edges[0] == BEGIN and edges[-1] == BEGIN + span
    assert [f"{edge.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}" for edge in edges[1:-1]] == [
        f"{moment}.000000" for moment in inner
    ]


@pytest.mark.parametrize(
    ("days", "first", "second", "last"),
    [
        (200, "2026-01-19", "2026-01-26", "2026-07-27"),
        (1200, "2026-02-01", "2026-03-01", "2029-04-01"),
        (5000, "2027-01-01", "2028-01-01", "2039-01-01"),
    ],
)
def test_weeks_begin_on_monday_months_and_years_on_their_first_day(
    days: int, first: str, second: str, last: str
) -> None:
    with timezone.override(UTC):
        _, edges = edges_between(BEGIN, BEGIN + timedelta(days=days))
    assert [f"{edges[i]:%Y-%m-%d}" for i in (1, 2, -2)] == [first, second, last]


@pytest.mark.parametrize("days", [10, 150, 1200, 5000])
def test_a_chart_may_end_with_the_calendar(days: int) -> None:
    end = datetime(9999, 12, 31, 12, tzinfo=UTC)
    with timezone.override(UTC):
        _, edges = edges_between(end - timedelta(days=days), end)
    assert edges == sorted(set(edges))
    assert edges[-1] == end
