"""Template tags: moments, links that keep the list, words of numbers and spans."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django import template
from django.core.paginator import Page
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from dashboard import badges, links, marks, repeated, wording
from dashboard.filtering.chips import Chip
from dashboard.filtering.query import Query
from dashboard.telling import parted
from reconciler import service

register = template.Library()

register.simple_tag(marks.advice)
register.simple_tag(marks.bar_cell)
register.simple_tag(marks.category)
register.simple_tag(marks.icon)
register.simple_tag(marks.label)
register.simple_tag(marks.time_ago)
register.simple_tag(marks.time_day)
register.simple_tag(links.error_url)
register.simple_tag(links.list_link)
register.simple_tag(links.order_link)
register.simple_tag(links.with_value)
register.simple_tag(repeated.draw, takes_context=True)
register.simple_tag(badges.avatar)
register.simple_tag(badges.owner)
register.simple_tag(badges.state)
register.simple_tag(badges.state_with_detail)
register.simple_tag(badges.verdict)
register.simple_tag(links.take_path)
register.filter(marks.hue)
register.filter(marks.slots)
register.filter(marks.with_value)
register.filter(wording.number)
register.filter(wording.of_view)
register.filter(wording.place)
register.filter(wording.plural)
register.filter(wording.times)
register.filter(wording.zone_name)
register.filter("masked", service.mask_keys)
register.simple_tag(service.admin_link, name="shopify_search")


# ------------------------------------------------------------------------------------ times


@register.simple_tag
def time_day_and_clock(moment: datetime, now: datetime) -> SafeString:
    """Draw <time> with day and time, without what goes without saying."""
    return marks.time_element(moment, wording.day_and_clock(moment, now))


@register.simple_tag
def time_in_sentence(moment: datetime, now: datetime) -> SafeString:
    """Draw <time> as part of a sentence."""
    return marks.time_element(moment, wording.in_sentence(moment, now))


@register.simple_tag
def time_since(moment: datetime, now: datetime) -> SafeString:
    """Draw <time> after "since": 08:39, yesterday at 19:46, 22 Nov at 08:30."""
    text = wording.in_sentence(moment, now).removeprefix("today at ").removeprefix("on ")
    return marks.time_element(moment, text)


@register.simple_tag
def time_exact(moment: datetime, now: datetime) -> SafeString:
    """Draw <time> with seconds, and the day unless it is today."""
    clock = wording.exact_clock(moment)
    same = wording.local(moment).date() == wording.local(now).date()
    return marks.time_element(moment, clock if same else f"{wording.day(moment, now)}, {clock}")


@register.simple_tag
def time_exact_clock(moment: datetime) -> SafeString:
    """Draw <time> with hours, minutes and seconds."""
    return marks.time_element(moment, wording.exact_clock(moment))


@register.filter
def machine(moment: datetime | None) -> str:
    """Write a moment in UTC as ISO 8601; "" for none."""
    return wording.machine(moment) if moment else ""


@register.simple_tag
def time_in_future(moment: datetime, now: datetime) -> SafeString:
    """Draw <time> after "again": in 12 min; soon, once it is due."""
    return marks.time_element(moment, wording.ago(moment, now) if moment > now else "soon")


@register.filter
def until(moment: datetime, now: datetime) -> str:
    """Return how long until a moment, in words."""
    days = (moment - now).days
    if days >= 1:
        return f"{wording.plural(days, 'more day')}"
    return f"{wording.span(moment - now)} more"


@register.filter
def duration(span: timedelta) -> str:
    """Return a length of time in words, without a sign."""
    return wording.lag(span).lstrip("−+")


@register.filter
def minutes(number: int) -> str:
    """Write a number of minutes in its largest unit."""
    return wording.span(timedelta(minutes=number))


@register.filter
def ahead_or_behind(span: timedelta) -> str:
    """Return by how much a clock differs: 24 h ahead of, 3 min behind."""
    return f"{duration(abs(span))} {'ahead of' if span > timedelta(0) else 'behind'}"


@register.filter
def days_until(moment: datetime, now: datetime) -> int:
    """Return the whole days until a moment; negative once it is over."""
    return (moment - now).days


@register.filter
def minutes_before(moment: datetime, now: datetime) -> int:
    """Return the whole minutes from one moment to another."""
    return int((now - moment).total_seconds() // 60)


@register.filter
def telling_text(order: service.FailedOrder) -> str:
    """Return the value that an order's latest error is about, or ""."""
    return wording.cut(parted(order.signature.template, order.error_excerpt)[1], 60)


# ------------------------------------------------------------------------------------ query


@register.filter
def url_of(query: Query, path: str) -> str:
    """Return the URL of ``path`` with this query."""
    return query.url(path)


@register.filter
def written(query: Query, name: str) -> str:
    """Return the value of a name, or its default; what no page can carry is U+FFFD."""
    return query.get(name).replace("\x00", "\ufffd")


@register.filter
def without(query: Query, names: str) -> Query:
    """Leave out names, separated by commas."""
    return query.without(*names.split(","))


@register.filter
def apart_from_dates(chips: Iterable[Chip]) -> int:
    """Count the filters that are on; dates have a menu of their own."""
    return sum(chip.name != "period" for chip in chips or ())


@register.simple_tag
def options(choices: Iterable[tuple[str, str]], chosen: str) -> SafeString:
    """Draw the options of a select; a chosen value that is none of them comes first."""
    pairs = list(choices)
    if chosen and chosen not in dict(pairs):
        pairs.insert(0, (chosen, chosen))
    return format_html_join(
        "\n",
        '<option value="{}"{}>{}</option>',
        ((value, _selected(value == chosen), name) for value, name in pairs),
    )


def _selected(is_chosen: bool) -> SafeString:
    return SafeString(" selected" if is_chosen else "")


@register.simple_tag
def invalid(errors: Any, identifier: str) -> SafeString:
    """Return the attributes of a field that cannot be read; "" for one that can."""
    if not errors:
        return SafeString("")
    return format_html('aria-invalid="true" aria-describedby="{}"', identifier)


@register.filter
def is_unseen(name: str) -> bool:
    """Return True if a name has no visible field beside which its message could stand."""
    return name not in ("q", "order", "date", "period", "from", "to", "by", "count")


@register.filter
def in_menu(name: str) -> str:
    """Return what a field within a menu is called; "" for one that is always in sight."""
    return {"from": "From", "to": "To", "order": "Order names"}.get(name, "")


@register.filter
def page_numbers(page: Page) -> Iterator[int]:  # type: ignore[type-arg]
    """Return the numbers of the pages to link to; 0 stands for a gap."""
    for number in page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1):
        yield number if isinstance(number, int) else 0


# ------------------------------------------------------------------------------------ others


@register.filter
def mark(query: Query) -> str:
    """Return what more is appended with to an address that ends in this query: ? or &."""
    return "&" if query.encode() else "?"


@register.filter
def minus(number: int, other: int) -> int:
    """Subtract."""
    return number - other


@register.filter
def kind_word(kind: str) -> str:
    """Return what a masked value of a kind is called."""
    return wording.KINDS.get(kind, (kind, ""))[0]


@register.simple_tag
def attempts_link(query: Query, number: int, document: int | None = None) -> str:
    """Return the link to a page of an order's attempts, or there to the document of an attempt.

    It keeps the list one came from.
    """
    parts = [query.encode(), f"attempts={number}" if number > 1 else ""]
    parts.append(f"attempt={document}" if document else "")
    return "?" + "&".join(filter(None, parts)) + ("#raw" if document else "#h-time")


@register.filter
def without_sign(number: int) -> int:
    """Drop the sign; an arrow shows it."""
    return abs(number)


@register.filter
def split(text: str) -> list[str]:
    """Split a text at white space."""
    return text.split()


@register.simple_tag
def view_url(view: Any, verb: str, query: Query) -> str:
    """Return the address of what is done with a saved view; it keeps the list's filters."""
    return query.url(reverse(f"dashboard:{verb}_view", args=[view.pk]))


@register.filter
def in_lines(texts: Iterable[str]) -> str:
    """Write each text on a line of its own."""
    return "\n".join(texts)


@register.filter
def shopify_admin(member: Any) -> str:
    """Return the link to an order of a pack in Shopify's admin; "" where none is known."""
    order = member.order
    return service.admin_link(order.shop.handle, order.order_name, member.shopify_id)


@register.filter
def is_failing_again(order: service.FailedOrder, now: datetime) -> bool:
    """Return True for two or more attempts, the last within 24 hours."""
    return order.is_failing_again(now)


@register.simple_tag
def icons() -> SafeString:
    """Draw all icons of a page once, hidden; <use> shows them."""
    return _icons()


@cache
def _icons() -> SafeString:
    return render_to_string("dashboard/_icons.html")
