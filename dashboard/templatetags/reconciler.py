"""Template tags: moments, slots of a signature, links that keep the list."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import cache

from django import template
from django.core.paginator import Page
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from dashboard import wording
from dashboard.charts.sparklines import SmallBar
from dashboard.charts.stacked import Stack
from dashboard.filtering.query import Query
from reconciler import service

register = template.Library()

#: Category -> class of its hue; a relative of a family is drawn as a ring.
_HUES = {
    "data": "hue-1",
    "source": "hue-1 is-ring",
    "mapping": "hue-2",
    "configuration": "hue-3",
    "authentication": "hue-4",
    "connection": "hue-5",
    "rate_limit": "hue-5 is-ring",
    "database": "hue-6",
    "duplicate": "hue-6 is-ring",
    "payment": "hue-7",
    "downstream": "hue-7 is-ring",
    "unexpected": "hue-8",
}
_ADVICE_ICONS = {"yes": "again", "after_fix": "wrench", "check_first": "eye", "no": "stop"}
_SLOT = re.compile(r"‹[a-z ]+›")


def _time(moment: datetime, text: str) -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        wording.machine(moment),
        wording.utc(moment),
        text,
    )


@register.simple_tag
def ago(moment: datetime, now: datetime) -> SafeString:
    """<time> that says how long ago, or in how long."""
    return _time(moment, wording.ago(moment, now))


@register.simple_tag
def day(moment: datetime, now: datetime) -> SafeString:
    """<time> with the day."""
    return _time(moment, wording.short_day(moment, now))


@register.simple_tag
def day_and_clock(moment: datetime, now: datetime) -> SafeString:
    """<time> with day and time, without what goes without saying."""
    return _time(moment, wording.day_and_clock(moment, now))


@register.simple_tag
def in_sentence(moment: datetime, now: datetime) -> SafeString:
    """<time> as part of a sentence."""
    return _time(moment, wording.in_sentence(moment, now))


@register.simple_tag
def in_sentence_since(moment: datetime, now: datetime) -> SafeString:
    """<time> after "since": 08:39, yesterday at 19:46, 22 Nov at 08:30."""
    text = wording.in_sentence(moment, now).removeprefix("today at ").removeprefix("on ")
    return _time(moment, text)


@register.simple_tag
def exact(moment: datetime, now: datetime) -> SafeString:
    """<time> with seconds, and the day unless it is today."""
    clock = wording.exact_clock(moment)
    same = wording.local(moment).date() == wording.local(now).date()
    return _time(moment, clock if same else f"{wording.day(moment, now)}, {clock}")


@register.simple_tag
def exact_clock(moment: datetime) -> SafeString:
    """<time> with hours, minutes and seconds."""
    return _time(moment, wording.exact_clock(moment))


@register.filter
def clock(moment: datetime) -> str:
    """Time of day."""
    return wording.clock(moment)


@register.filter
def times(count: int) -> str:
    """How often, in words."""
    return wording.times(count)


@register.filter
def of_view(noun: str, view_name: str) -> str:
    """Which orders a view holds, in words."""
    return wording.of_view(noun, view_name)


@register.filter
def place(zone: str) -> str:
    """Name of a time zone as people say it."""
    return wording.place(zone)


@register.filter
def zone_words(now: datetime) -> str:
    """Name the dashboard's zone and its distance from UTC."""
    return wording.zone_name(now)


@register.filter
def slots(text: str) -> SafeString:
    """Mark what differs from order to order in a signature."""
    escaped = str(escape(text))
    marked = _SLOT.sub(lambda match: f'<i class="slot">{match[0]}</i>', escaped)
    return mark_safe(marked)  # noqa: S308 - escaped above


@register.simple_tag
def bar_time(bar: SmallBar | Stack) -> SafeString:
    """<time> that names the span of a bar."""
    return _time(bar.start, bar.label)


@register.filter
def get(values: dict[str, str], name: str) -> str:
    """Look up a name."""
    return values[name]


@register.filter
def at(values: dict[int, list[SmallBar]], key: int) -> list[SmallBar]:
    """Look up the small chart of a row; nothing where there is none."""
    return values.get(key, [])


@register.filter
def ago_text(moment: datetime, now: datetime) -> str:
    """How long ago, as plain text."""
    return wording.ago(moment, now)


@register.filter
def size(number: int) -> int:
    """Drop the sign; an arrow shows it."""
    return abs(number)


@register.filter
def hue(category: str) -> str:
    """Classes of a category's disc or ring; a number is one of the eight hues."""
    return _HUES.get(category) or f"hue-{category}"


@register.filter
def advice_icon(retry: str) -> str:
    """Name of the icon of a retry verdict."""
    return _ADVICE_ICONS[retry]


@register.simple_tag
def to(query: Query, path: str, name: str, *values: str) -> str:
    """URL of ``path`` with one name of the query set anew."""
    return query.with_(name, *(str(value) for value in values)).url(path)


@register.simple_tag
def toggled(query: Query, path: str, name: str, value: str) -> str:
    """URL of ``path`` with a value of a name added, or removed where it is on."""
    return query.toggle(name, value).url(path)


@register.simple_tag
def order_link(order: service.FailedOrder, query: Query) -> str:
    """URL of an order's page that carries the list one came from."""
    return query.without("page").url(reverse("dashboard:order", args=[order.pk]))


@register.filter
def url_of(query: Query, path: str) -> str:
    """URL of ``path`` with this query."""
    return query.url(path)


@register.filter
def value(query: Query, name: str) -> str:
    """Value of a name that counts; what no page can carry is shown as U+FFFD."""
    return query.get(name).replace("\x00", "\ufffd")


@register.filter
def without(query: Query, names: str) -> Query:
    """Leave out names, separated by commas."""
    return query.without(*names.split(","))


@register.filter
def with_view(query: Query, view: str) -> Query:
    """Set the view anew."""
    return query.with_("view", view)


@register.filter
def keys(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """List the values of options."""
    return [pair[0] for pair in pairs]


@register.filter
def words(text: str) -> list[str]:
    """Split a text into words."""
    return text.split()


@register.filter
def is_unseen(name: str) -> bool:
    """Whether a name of the query string has no visible field whose side its message could take."""
    return name not in ("q", "order", "date", "period", "from", "to", "by", "count")


@register.filter
def site_link(site: str) -> str:
    """Turn HotWax's `site` into what may be linked to: itself, or nothing."""
    return service.link_of(site)


@register.filter
def without_shopify(host: str) -> str:
    """Leave out what every Shopify host ends in."""
    return host.removesuffix(".myshopify.com")


@register.filter
def masked(text: str) -> str:
    """Hide the value of a `key=`."""
    return service.mask_keys(text)


@register.filter
def still_failing(order: service.FailedOrder, now: datetime) -> bool:
    """Two or more attempts, the last within 24 hours."""
    last = order.last_failed_at
    recent = last is not None and now - last <= timedelta(hours=24)
    return order.attempt_count >= 2 and recent


@register.filter
def urgency(expires: datetime, now: datetime) -> str:
    """Class of an expiry: within 3 days urgent, within 7 soon."""
    left = expires - now
    if left <= timedelta(days=3):
        return " is-urgent"
    return " is-soon" if left <= timedelta(days=7) else ""


@register.filter
def until(moment: datetime, now: datetime) -> str:
    """How long until a moment, in words."""
    days = (moment - now).days
    if days >= 1:
        return f"{wording.plural(days, 'more day')}"
    return f"{wording.span(moment - now)} more"


@register.filter
def day_text(moment: datetime, now: datetime) -> str:
    """Day as plain text."""
    return wording.short_day(moment, now)


@register.filter
def day_and_clock_text(moment: datetime, now: datetime) -> str:
    """Day and time as plain text."""
    return wording.day_and_clock(moment, now)


@register.filter
def span_text(length: timedelta) -> str:
    """Length of time in words, without a sign."""
    return wording.lag(length).lstrip("−+")


@register.filter
def days_until(moment: datetime, now: datetime) -> int:
    """Whole days until a moment; negative once it is over."""
    return (moment - now).days


@register.filter
def minutes_before(moment: datetime, now: datetime) -> int:
    """Whole minutes from one moment to another."""
    return int((now - moment).total_seconds() // 60)


@register.filter
def page_numbers(page: Page) -> Iterator[int]:  # type: ignore[type-arg]
    """Numbers of the pages to link to; 0 stands for a gap."""
    for number in page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1):
        yield number if isinstance(number, int) else 0


@register.simple_tag
def icons() -> SafeString:
    """All icons of a page, once, to be drawn by <use>."""
    return _icons()


@cache
def _icons() -> SafeString:
    return render_to_string("dashboard/_icons.html")
