"""Template tags: moments, slots of a signature, links that keep the list."""

import re
from datetime import datetime

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from dashboard import wording
from dashboard.query import Query

register = template.Library()

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
    return _time(moment, wording.day(moment, now))


@register.simple_tag
def day_and_clock(moment: datetime, now: datetime) -> SafeString:
    """<time> with day and time, without what goes without saying."""
    return _time(moment, wording.day_and_clock(moment, now))


@register.simple_tag
def in_sentence(moment: datetime, now: datetime) -> SafeString:
    """<time> as part of a sentence."""
    return _time(moment, wording.in_sentence(moment, now))


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
def place(zone: str) -> str:
    """Name of a time zone as people say it."""
    return wording.place(zone)


@register.filter
def slots(text: str) -> SafeString:
    """Mark what differs from order to order in a signature."""
    escaped = str(escape(text))
    marked = _SLOT.sub(lambda match: f'<i class="slot">{match[0]}</i>', escaped)
    return mark_safe(marked)  # noqa: S308 - escaped above


@register.simple_tag
def to(query: Query, path: str, name: str, *values: str) -> str:
    """URL of ``path`` with one name of the query set anew."""
    return query.with_(name, *(str(value) for value in values)).url(path)
