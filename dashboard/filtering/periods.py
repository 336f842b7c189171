"""Periods of the query string -> moments.

Days are days of DASHBOARD_TIME_ZONE; their bounds are computed in that zone, never by adding
86,400 seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile

from django.utils import timezone

#: Value of `period` -> (how people call it, days including today; None = not by days).
PERIODS: dict[str, tuple[str, int | None]] = {
    "all": ("All time", None),
    "24h": ("24 hours", None),
    "yesterday": ("Yesterday", None),
    "this_week": ("This week", None),
    "last_week": ("Last week", None),
    "7d": ("7 days", 7),
    "30d": ("30 days", 30),
    "60d": ("60 days", 60),
    "90d": ("90 days", 90),
    "12m": ("12 months", None),
}
#: Periods that are days of the calendar, whatever is counted in them: these never look forward.
OF_CALENDAR = ("yesterday", "this_week", "last_week")


@dataclass(frozen=True)
class Bounds:
    """Moments from ``start`` on and before ``end``; None leaves an end open."""

    start: datetime | None = None
    end: datetime | None = None


def begin_of(day: date) -> datetime | None:
    """Return the first moment of a day in the dashboard's zone; None if datetime cannot hold it."""
    try:
        return datetime.combine(day, time.min, timezone.get_current_timezone())
    except OverflowError:
        return None


def bounds_of_days(first: date | None, last: date | None) -> Bounds:
    """Return the bounds of two days, both included; None leaves an end open."""
    start = begin_of(first) if first and first.year > 1 else None
    end = begin_of(last + timedelta(days=1)) if last and last.year < 9999 else None
    return Bounds(start, end)


def bounds_of_period(period: str, now: datetime, *, forward: bool = False) -> Bounds:
    """Return the bounds of a period: today and the days before it, or after it if ``forward``."""
    if period == "24h":
        day = timedelta(hours=24)
        return Bounds(now, now + day) if forward else Bounds(now - day, None)
    first_and_last = days_of_period(period, now, forward=forward)
    return bounds_of_days(*first_and_last) if first_and_last else Bounds()


def days_of_period(
    period: str, now: datetime, *, forward: bool = False
) -> tuple[date, date] | None:
    """Return the first and last day of a period; None if it is not made of days."""
    today = timezone.localtime(now).date()
    if period in OF_CALENDAR:
        return _of_calendar(period, today)
    days = PERIODS[period][1]
    if period == "12m":
        edge = _a_year_from(today, 1 if forward else -1)
        return (today, edge - timedelta(days=1)) if forward else (edge + timedelta(days=1), today)
    if days is None:
        return None
    away = timedelta(days=days - 1)
    return (today, today + away) if forward else (today - away, today)


def _of_calendar(period: str, today: date) -> tuple[date, date]:
    """Return yesterday, or Monday and Sunday of a week."""
    if period == "yesterday":
        return today - timedelta(days=1), today - timedelta(days=1)
    monday = today - timedelta(days=today.weekday() + (7 if period == "last_week" else 0))
    return monday, monday + timedelta(days=6)


def before_days(first: date | None, last: date) -> Bounds | None:
    """Return the equally long period that ends the day before ``first``; None if there is none."""
    if first is None or first > last or first.toordinal() <= (last - first).days + 2:
        return None
    return bounds_of_days(first - (last - first) - timedelta(days=1), first - timedelta(days=1))


def before_period(period: str, now: datetime, *, forward: bool = False) -> Bounds | None:
    """Return the bounds of the period before; None for all time."""
    if period == "24h":
        day = timedelta(hours=24)
        return Bounds(now - day, now) if forward else Bounds(now - 2 * day, now - day)
    days = days_of_period(period, now, forward=forward)
    return before_days(*days) if days else None


#: Unit of a chart over time -> the longest span that it is used for.
UNITS = {
    "hour": timedelta(days=2, hours=2),
    "day": timedelta(days=100),
    "week": timedelta(days=3 * 366),
    "month": timedelta(days=12 * 366),
    "year": timedelta.max,
}
#: The same for a chart as small as a word.
SMALL_UNITS = {
    "hour": timedelta(days=2, hours=2),
    "day": timedelta(days=15),
    "week": timedelta(days=16 * 7),
    "month": timedelta(days=2 * 366),
    "year": timedelta.max,
}


def edges_between(
    start: datetime, end: datetime, units: dict[str, timedelta] = UNITS
) -> tuple[str, list[datetime]]:
    """Cut a span into hours, days, weeks (from Monday), months or years, by its length.

    The first and the last piece are as much as lies within the span.
    """
    unit = next(name for name, longest in units.items() if end - start <= longest)
    if unit == "hour":
        inner = list(_hours_after(start, end))
    else:
        days = _days_after(timezone.localtime(start).date(), unit)
        moments = (begin_of(day) for day in days)
        inner = list(takewhile(lambda moment: moment < end, (m for m in moments if m)))
    return unit, [start, *inner, end]


def _hours_after(start: datetime, end: datetime) -> Iterator[datetime]:
    # Local hours may begin at half past, so they are cut locally, and counted on in UTC.
    hour = timezone.localtime(start).replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    while (hour := hour + timedelta(hours=1)) < end:
        yield hour


def _days_after(day: date, unit: str) -> Iterator[date]:
    """Yield the days after a day on which a unit begins."""
    while True:
        try:
            if unit == "day":
                day += timedelta(days=1)
            elif unit == "week":
                day += timedelta(days=7 - day.weekday())
            elif unit == "month":
                day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
            else:
                day = date(day.year + 1, 1, 1)
        except (OverflowError, ValueError):  # the end of the calendar
            return
        yield day


def _a_year_from(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)
