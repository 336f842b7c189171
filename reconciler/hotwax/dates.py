"""Dates in every form that HotWax writes -> datetimes in UTC. Pure: no clock."""

import calendar
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

#: Epoch milliseconds below this (3 March 1973) are no date of an order.
EARLIEST_EPOCH_MS = 100_000_000_000
LATEST_YEAR = 9000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: As Solr writes dates, and so most of them by far.
_SOLR = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z", re.ASCII)
_DIGITS = re.compile(r"[+-]?\d+(?:\.0*)?", re.ASCII)
_ISO = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:[T\s]\s*(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
    r"\s*(Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII | re.IGNORECASE,
)
_LONG_MONTHS = tuple(name.lower() for name in calendar.month_name[1:])
_MONTHS = tuple(name[:3] for name in _LONG_MONTHS)
# Java writes U+202F before AM and PM since JDK 20, so white space is any white space.
_WRITTEN = re.compile(
    r"([A-Za-z]{3,9})\.?\s+([0-9]{1,2})\s*,?\s+([0-9]{4})\s*,?\s+(?:at\s+)?"
    r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?(?:\s*([AaPp])\.?\s?[Mm]\.?)?"
)


def read_date(text: str, zone: ZoneInfo, not_before: datetime | None = None) -> datetime | None:
    """Return a date in UTC, to the millisecond; None if ``text`` is no date.

    Forms: epoch milliseconds; ISO 8601 with or without milliseconds; ``January 3, 2024 10:15:12
    PM``, also in 24 hours. A date written without a zone is taken to be in ``zone``. A local time
    that occurs twice is the earliest instant not before ``not_before``.
    """
    moment = _read_date(text.strip(), zone, not_before)
    # Earlier and later years are mistakes; datetime and zoneinfo fail near their own limits.
    return moment if moment and 1970 <= moment.year <= LATEST_YEAR else None


def _read_date(text: str, zone: ZoneInfo, not_before: datetime | None) -> datetime | None:
    try:
        if _SOLR.fullmatch(text):
            return datetime.fromisoformat(text)
        if _DIGITS.fullmatch(text):
            milliseconds = int(text.split(".", maxsplit=1)[0])
            if milliseconds < EARLIEST_EPOCH_MS:
                return None
            return _EPOCH + timedelta(milliseconds=milliseconds)
        if match := _ISO.fullmatch(text):
            return _iso(match, zone, not_before)
        if match := _WRITTEN.fullmatch(text):
            return _written(match, zone, not_before)
    except (ValueError, OverflowError):
        return None
    return None


def _iso(match: re.Match[str], zone: ZoneInfo, not_before: datetime | None) -> datetime:
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    text = f"{int(hour or 0):02}:{minute or '00'}:{second or '00'}"
    local = datetime.fromisoformat(f"{year}-{int(month):02}-{int(day):02}T{text}")
    local += timedelta(milliseconds=_milliseconds(fraction))
    if not offset:
        return _in_zone(local, zone, not_before)
    if offset in "Zz":
        return local.replace(tzinfo=UTC)
    digits = offset[1:].replace(":", "").ljust(4, "0")
    away = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if away >= timedelta(hours=24):
        raise ValueError(offset)
    return (local + away if offset[0] == "-" else local - away).replace(tzinfo=UTC)


def _written(match: re.Match[str], zone: ZoneInfo, not_before: datetime | None) -> datetime:
    word, day, year, hour, minute, second, fraction, half = match.groups()
    month = word.lower()
    number = _LONG_MONTHS.index(month) if month in _LONG_MONTHS else _MONTHS.index(month[:4][:3])
    if month not in _LONG_MONTHS and month not in (*_MONTHS, "sept"):
        raise ValueError(word)
    hours = int(hour)
    if half:
        if not 1 <= hours <= 12:
            raise ValueError(hour)
        hours = hours % 12 + (12 if half in "pP" else 0)
    clock = f"{hours:02}:{minute}:{second or '00'}"
    local = datetime.fromisoformat(f"{int(year):04}-{number + 1:02}-{int(day):02}T{clock}")
    return _in_zone(local + timedelta(milliseconds=_milliseconds(fraction)), zone, not_before)


def _milliseconds(fraction: str | None) -> int:
    return int((fraction or "").ljust(3, "0")[:3])


def _in_zone(local: datetime, zone: ZoneInfo, not_before: datetime | None) -> datetime:
    if zone.key == "UTC":
        return local.replace(tzinfo=UTC)
    first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    # In the hour that occurs twice `second` is the later; elsewhere both are the same instant,
    # or, in the hour that is skipped, `second` is the earlier and means nothing.
    if not_before is not None and first < not_before <= second:
        return second
    return first
