"""Times, numbers and lists in words. Pure functions; datetimes in, plain text out.

Times are shown in DASHBOARD_TIME_ZONE, relative where that helps; the page's <time> element
carries UTC.
"""

from datetime import UTC, date, datetime, timedelta

from django.utils import timezone

NUMBERS = ("no", "once", "twice", "three times", "four times", "five times", "six times")


def local(moment: datetime) -> datetime:
    """Turn a moment to the dashboard's zone."""
    # Not `localtime`: which zone is current is looked up in thread-local storage, for each moment.
    return moment.astimezone(timezone.get_default_timezone())


def clock(moment: datetime) -> str:
    """Time of day: 09:21."""
    there = local(moment)
    return f"{there.hour:02d}:{there.minute:02d}"


def exact_clock(moment: datetime) -> str:
    """Time of day with seconds: 09:21:07."""
    return f"{local(moment):%H:%M:%S}"


def day(moment: datetime, now: datetime) -> str:
    """Day without what goes without saying: 24 Nov; with the year once it is another one."""
    there, here = local(moment), local(now)
    year = "" if there.year == here.year else f" {there.year}"
    return f"{there.day} {there:%b}{year}"


def full_day(day: date) -> str:
    """Day with its year: 24 Nov 2026."""
    return f"{day.day} {day:%b %Y}"


def short_day(moment: datetime, now: datetime) -> str:
    """Day for a narrow column: 24 Nov; 23 Jan 27 in another year."""
    there, here = local(moment), local(now)
    return f"{there.day} {there:%b}" + ("" if there.year == here.year else f" {there:%y}")


def day_and_clock(moment: datetime, now: datetime) -> str:
    """Say when: 10:38 today, 23 Nov, 22:46 before."""
    same = local(moment).date() == local(now).date()
    return clock(moment) if same else f"{day(moment, now)}, {clock(moment)}"


def in_sentence(moment: datetime, now: datetime) -> str:
    """Say when inside a sentence: today at 08:02, yesterday at 19:46, on 22 Nov at 08:30."""
    days = (local(now).date() - local(moment).date()).days
    if days == 0:
        return f"today at {clock(moment)}"
    if days == 1:
        return f"yesterday at {clock(moment)}"
    return f"on {day(moment, now)} at {clock(moment)}"


def span(length: timedelta) -> str:
    """Length of time in its largest unit: 7 s, 37 min, 4 h, 12 d; never negative."""
    seconds = int(abs(length.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 86_400:
        return f"{seconds // 3600} h"
    return f"{seconds // 86_400:,} d"


def lag(length: timedelta) -> str:
    """Signed length between two events: +37 min, −4 h 22 min."""
    sign = "−" if length < timedelta(0) else "+"
    seconds = int(abs(length.total_seconds()))
    if 3600 <= seconds < 86_400 and seconds % 3600 >= 60:
        return f"{sign}{seconds // 3600} h {seconds % 3600 // 60} min"
    return sign + span(length)


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, or until when: 4 min ago, in 5 d."""
    length = now - moment
    if length < timedelta(0):
        return f"in {span(length)}"
    return "just now" if length < timedelta(seconds=5) else f"{span(length)} ago"


def times(count: int) -> str:
    """How often, in a sentence: once, twice, five times, 12 times."""
    return NUMBERS[count] if 0 < count < len(NUMBERS) else f"{count:,} times"


def plural(count: int, one: str, many: str = "") -> str:
    """Count things: 1 order, 1,284 orders."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def span_written(begin: datetime, unit: str) -> str:
    """Write the beginning of a chart's span for machines: an hour with its offset, or a day."""
    here = local(begin)
    return here.isoformat(timespec="minutes") if unit == "hour" else f"{here:%Y-%m-%d}"


def utc(moment: datetime) -> str:
    """Write a moment in full: 2026-11-24 14:21:00 UTC."""
    day, clock = utc_parts(moment)
    return f"{day} {clock} UTC"


def machine(moment: datetime) -> str:
    """Write a moment for <time datetime>: 2026-11-24T14:21:00Z."""
    day, clock = utc_parts(moment)
    return f"{day}T{clock}Z"


def utc_parts(moment: datetime) -> tuple[str, str]:
    """Write a moment's day and time of day in UTC: 2026-11-24, 14:21:00."""
    written = moment.astimezone(UTC).isoformat()
    return written[:10], written[11:19]


def zone_name(now: datetime) -> str:
    """Name the dashboard's zone and its distance from UTC: New York time, UTC−5."""
    name = timezone.get_current_timezone_name()
    offset = local(now).utcoffset() or timedelta(0)
    minutes = int(offset.total_seconds() // 60)
    if not minutes:
        return "UTC"
    sign = "−" if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    return f"{place(name)} time, UTC{sign}{hours}" + (f":{rest:02d}" if rest else "")


def place(zone: str) -> str:
    """Name a zone as people do: America/New_York is New York."""
    return zone.rpartition("/")[2].replace("_", " ")


def of_view(noun: str, view_name: str) -> str:
    """Say which orders a view holds: open orders, order that needs a person; all: orders."""
    if view_name == "All":
        return noun
    if view_name == "Needs a person":
        return f"{noun} that {'need' if noun.endswith('s') else 'needs'} a person"
    return f"{view_name.lower()} {noun}"


def number(value: object) -> str:
    """Write a number with separators: 1,284. What is no number is written as it is."""
    return f"{value:,}" if isinstance(value, int) else str(value)


def plural_end(count: int) -> str:
    """Return the "s" of a plural, or nothing."""
    return "" if count == 1 else "s"


def cut(text: str, length: int) -> str:
    """Cut a text to a length; an ellipsis says so."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def without_shopify(host: str) -> str:
    """Leave out what every Shopify host ends in."""
    return host.removesuffix(".myshopify.com")


def urgency(expires: datetime, now: datetime) -> str:
    """Return the class of an expiry: within 3 days urgent, within 7 soon."""
    left = expires - now
    if left <= timedelta(days=3):
        return " is-urgent"
    return " is-soon" if left <= timedelta(days=7) else ""


#: Kind of a masked value -> what one and what many are called.
KINDS = {
    "sku": ("SKU", "SKUs"),
    "id": ("id", "Ids"),
    "order": ("order", "Order names"),
    "value": ("value", "Values"),
    "email": ("e-mail", "E-mail addresses"),
    "url": ("address", "Addresses"),
    "ip": ("IP address", "IP addresses"),
    "date": ("date", "Dates"),
    "uuid": ("UUID", "UUIDs"),
    "hex": ("hex number", "Hex numbers"),
    "bytes": ("bytes", "Bytes"),
    "n": ("number", "Numbers"),
}


def value_in_words(written: str) -> str:
    """Return a masked value as people read it: sku:TEE-2119-RED is "SKU TEE-2119-RED"."""
    kind, _, text = written.partition(":")
    return f"{KINDS.get(kind, (kind, ''))[0]} {text}"


def kinds_in_words(kinds: set[str]) -> str:
    """Return what masked values are called, by their kinds."""
    return KINDS[next(iter(kinds))][1] if len(kinds) == 1 and kinds <= KINDS.keys() else "Values"


def signed(number: int | None) -> str:
    """Write a change: +1,284, −7, 0."""
    sign = "+" if (number or 0) > 0 else "−" if (number or 0) < 0 else ""
    return f"{sign}{abs(number or 0):,}"
