"""Periods of the query string -> moments.

Days are days of DASHBOARD_TIME_ZONE; their bounds are computed in that zone, never by adding
86,400 seconds.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone

#: Value of `period` -> (how people call it, days including today; None = not by days).
PERIODS: dict[str, tuple[str, int | None]] = {
    "all": ("All time", None),
    "24h": ("24 hours", None),
    "7d": ("7 days", 7),
    "30d": ("30 days", 30),
    "60d": ("60 days", 60),
    "90d": ("90 days", 90),
    "12m": ("12 months", None),
}


@dataclass(frozen=True)
class Bounds:
    """Moments from ``start`` on and before ``end``; None leaves an end open."""

    start: datetime | None = None
    end: datetime | None = None


def begin_of(day: date) -> datetime | None:
    """First moment of a day in the dashboard's zone; None where no clock reaches."""
    try:
        return datetime.combine(day, time.min, timezone.get_current_timezone())
    except OverflowError:
        return None


def bounds_of_days(first: date | None, last: date | None) -> Bounds:
    """Bound two days, both included; None leaves an end open."""
    start = begin_of(first) if first and first.year > 1 else None
    end = begin_of(last + timedelta(days=1)) if last and last.year < 9999 else None
    return Bounds(start, end)


def bounds_of_period(period: str, now: datetime, *, forward: bool = False) -> Bounds:
    """Bound a period: today and the days before it, or, ``forward``, after it."""
    if period == "24h":
        day = timedelta(hours=24)
        return Bounds(now, now + day) if forward else Bounds(now - day, None)
    first_and_last = days_of_period(period, now, forward=forward)
    return bounds_of_days(*first_and_last) if first_and_last else Bounds()


def days_of_period(
    period: str, now: datetime, *, forward: bool = False
) -> tuple[date, date] | None:
    """Name the first and last day of a period; None for those that are not made of days."""
    today = timezone.localtime(now).date()
    days = PERIODS[period][1]
    if period == "12m":
        edge = _a_year_from(today, 1 if forward else -1)
        return (today, edge - timedelta(days=1)) if forward else (edge + timedelta(days=1), today)
    if days is None:
        return None
    away = timedelta(days=days - 1)
    return (today, today + away) if forward else (today - away, today)


def _a_year_from(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)
