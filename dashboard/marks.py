"""Small pieces of HTML that stand on many pages: icons, times, hues, slots of a signature.

They are made as SafeString, not by mark_safe, and escaped by markupsafe, not by Django: both look
at their arguments for lazy texts, and take thrice as long (a list draws a thousand of these).
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache, lru_cache

from django.utils.html import format_html
from django.utils.safestring import SafeString
from markupsafe import escape

from dashboard import wording
from dashboard.charts.sparklines import SmallBar
from dashboard.charts.stacked import Stack
from dashboard.telling import parted
from dashboard.trends.rows import Row
from reconciler import service

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
#: Label of an error -> its word and its icon.
_LABELS = {
    "new": ("New", "spark"),
    "back": ("Back", "again"),
    "worse": ("Worse", "up"),
    "quiet": ("Quiet", "stale"),
}
_ADVICE_ICONS = {"yes": "again", "after_fix": "wrench", "check_first": "eye", "no": "stop"}
_SLOT = re.compile(r"‹[a-z ]+›")


@cache
def icon(name: str, *, small: bool = False) -> SafeString:
    """Draw an icon of the page's sprite; it is hidden from screen readers."""
    size = " icon--small" if small else ""
    return SafeString(f'<svg class="icon{size}" aria-hidden="true"><use href="#i-{name}"/></svg>')


def time_element(moment: datetime, text: str) -> SafeString:
    """Draw <time> with a text of `wording`; its title is the moment in UTC."""
    day, clock = wording.utc_parts(moment)
    return SafeString(f'<time datetime="{day}T{clock}Z" title="{day} {clock} UTC">{text}</time>')


def time_ago(moment: datetime, now: datetime) -> SafeString:
    """Draw <time> that says how long ago, or in how long."""
    return time_element(moment, wording.ago(moment, now))


def time_day(moment: datetime, now: datetime) -> SafeString:
    """Draw <time> with the day."""
    return time_element(moment, wording.short_day(moment, now))


def time_of_span(bar: SmallBar | Stack, unit: str) -> SafeString:
    """Draw <time> that names a span of a chart: a day of the dashboard's zone, or an hour."""
    return _time_of_span(wording.local(bar.start), bar.label, unit)


@lru_cache(maxsize=2048)
def _time_of_span(begin: datetime, label: str, unit: str) -> SafeString:
    written = wording.span_written(begin, unit)
    return SafeString(f'<time datetime="{written}">{escape(label)}</time>')


#: Stands where a date should.
UNKNOWN = SafeString(
    '<span class="line-1 muted" title="HotWax’s document has no readable date">'
    '<span aria-hidden="true">–</span><span class="sr-only">not known</span></span>'
)


def ago_lines(moment: datetime | None, now: datetime) -> SafeString:
    """Draw how long ago, and below it when."""
    if moment is None:
        return UNKNOWN
    return two_lines(time_ago(moment, now), wording.day_and_clock(moment, now))


def day_lines(moment: datetime | None, now: datetime) -> SafeString:
    """Draw the day, and below it the time of day."""
    if moment is None:
        return UNKNOWN
    return two_lines(time_day(moment, now), wording.clock(moment))


def expiry_lines(order: service.FailedOrder, now: datetime) -> SafeString:
    """Draw when an order leaves HotWax's log, or that it left."""
    if order.left_log_at is not None:
        day = time_day(order.left_log_at, now)
        return SafeString(
            f'<span class="line-1 muted">left the log</span><span class="line-2">{day}</span>'
        )
    if order.expires_at is None:
        return UNKNOWN
    urgency, when = wording.urgency(order.expires_at, now), time_ago(order.expires_at, now)
    return SafeString(
        f'<span class="line-1{urgency}">{when}</span>'
        f'<span class="line-2">{wording.short_day(order.expires_at, now)}</span>'
    )


def two_lines(first: str, second: str) -> SafeString:
    """Draw what one reads at a glance, and below it the rest."""
    return SafeString(
        f'<span class="line-1">{escape(first)}</span><span class="line-2">{escape(second)}</span>'
    )


def counted(number: int, noun: str) -> SafeString:
    """Draw a number, and beside it what is counted, where no head of a column says it."""
    words = f"{escape(noun)}{wording.plural_end(number)}"
    return SafeString(f'{number:,}<span class="unit"> {words}</span>')


def attempts_lines(order: service.FailedOrder, now: datetime) -> SafeString:
    """Draw how often an order failed, and over what time; an icon says that it is failing again."""
    again, over = "", ""
    if order.is_failing_again(now):
        again = f'<span class="mark" title="failing again">{icon("again")}{_FAILING_AGAIN}</span>'
    if order.attempt_count > 1 and order.first_at and order.last_failed_at:
        # Where a clock or a zone is wrong, the first attempt lies after the last.
        length = order.last_failed_at - order.first_at
        if length >= timedelta(minutes=1):
            over = f'<span class="line-2">over {wording.span(length)}</span>'
    return SafeString(
        f'<span class="line-1">{again}{counted(order.attempt_count, "attempt")}</span>{over}'
    )


_FAILING_AGAIN = '<span class="sr-only">failing again, </span>'


def number_cells(numbers: Iterable[int]) -> SafeString:
    """Draw a cell of a table for each number; its value is the bare number."""
    cells = [f'<td data-value="{number}">{number:,}</td>' for number in numbers]
    return SafeString("".join(cells))


def stack_bars(stack: Stack, bar: tuple[float, float], *, with_series: bool) -> SafeString:
    """Draw a span of a chart: what a click leads to, what a pointer is told, and its bars.

    ``bar`` is where a bar begins within the span, and how wide it is. ``with_series``: the pointer
    is also told the count of each series.
    """
    place, (start, width) = stack.place, bar
    drawn = [
        f'<rect class="bar {hue(color)}" x="{place + start:g}" y="{y}" width="{width}"'
        f' height="{height}"/>'
        for color, y, height in stack.parts
    ]
    opening, closing = "<g>", "</g>"
    if stack.url:
        opening, closing = f'<a href="{escape(stack.url)}" tabindex="-1">', "</a>"
    unseen = " is-unseen" if stack.unseen else ""
    return SafeString(
        f"{opening}<title>{escape(_words_of_stack(stack, with_series))}</title>"
        f'<rect class="hit{unseen}" x="{place}" y="0" width="1" height="100"/>'
        f"{_before(stack)}{''.join(drawn)}{closing}"
    )


def _words_of_stack(stack: Stack, with_series: bool) -> str:
    before = "" if stack.before is None else f" (the period before {stack.before:,})"
    series = f" ({stack.words})" if stack.total and with_series else ""
    return f"{stack.label}{before}: {stack.total:,}{series}{', not seen' if stack.unseen else ''}"


def _before(stack: Stack) -> str:
    """Draw the same span of the previous period; its top only where it is within the chart."""
    if not stack.before:
        return ""
    left, top = f"{stack.place + 0.04:g}", f"{100 - float(stack.before_height):.4g}"
    bar = (
        f'<rect class="before-bar" x="{left}" y="{top}" width="0.92"'
        f' height="{stack.before_height}"/>'
    )
    if stack.is_before_cut:
        return bar
    right = f"{stack.place + 0.96:g}"
    return f'{bar}<line class="before-top" x1="{left}" y1="{top}" x2="{right}" y2="{top}"/>'


_NOW = '<g class="is-now">'


def sparkline(bars: Sequence[SmallBar]) -> SafeString:
    """Draw a chart as small as a word; the bar that is still being filled stands out."""
    drawn = [
        f"{_NOW if bar.is_now else '<g>'}<title>{escape(bar.label)}: {bar.count:,}</title>"
        f'<rect x="{x}" y="{bar.y}" width="0.74" height="{bar.height}"/></g>'
        for x, bar in enumerate(bars)
    ]
    return SafeString(
        f'<svg class="spark" viewBox="0 0 {len(bars)} 100" preserveAspectRatio="none"'
        ' aria-hidden="true" focusable="false">'
        f'<line x1="0" y1="100" x2="{len(bars)}" y2="100"/>{"".join(drawn)}</svg>'
    )


def sparkline_rows(bars: Sequence[SmallBar], unit: str) -> SafeString:
    """Draw the same numbers as rows of a table."""
    rows = [
        f'<tr><th scope="row">{time_of_span(bar, unit)}</th>{number_cells([bar.count])}</tr>'
        for bar in bars
    ]
    return SafeString("".join(rows))


def bar_cell(size: float | str, hue: str) -> SafeString:
    """Draw a cell with a bar of so many per cent of its width."""
    return SafeString(
        '<td class="bar-col"><svg class="bar-cell" viewBox="0 0 100 8" preserveAspectRatio="none"'
        f' aria-hidden="true" focusable="false"><rect class="{hue}" x="0" y="0"'
        f' width="{float(size):.4g}" height="8"/></svg></td>'
    )


def change_cell(row: Row) -> SafeString:
    """Draw a cell with the change against the period before."""
    change, before = row.change, "" if row.before is None else row.before
    if change is None:
        words = '<span class="muted">–</span>'
    elif row.now and not row.before:
        words = '<span class="label label--new">New</span>'
    else:
        words = row.change_words
    direction = " is-worse" if (change or 0) > 0 else " is-better" if change else ""
    return SafeString(f'<td class="num{direction}" data-before="{before}">{words}</td>')


def hue(category: str) -> str:
    """Return the classes of a category's disc or ring; other series have hues of their own."""
    return _HUES.get(category) or f"hue-{category}"


def category(signature: service.ErrorSignature) -> SafeString:
    """Draw the category of an error: its disc or ring, and its name."""
    return _category(signature.category)


@cache
def _category(value: str) -> SafeString:
    name = service.Category(value).label
    return format_html('<span class="cat"><i class="hue {}"></i>{}</span>', hue(value), name)


def advice(signature: service.ErrorSignature) -> SafeString:
    """Draw the retry advice of an error: an icon and words."""
    return _advice(signature.retry)


@cache
def _advice(value: str) -> SafeString:
    words = service.Retry(value).label
    return format_html('<span class="hint">{}{}</span>', icon(_ADVICE_ICONS[value]), words)


@cache
def label(name: str) -> SafeString:
    """Draw what changed about an error; nothing for ""."""
    if not name:
        return SafeString("")
    words, drawn = _LABELS[name]
    return format_html(
        '<span class="label label--{0}" data-label="{0}">{1}{2}</span>', name, icon(drawn), words
    )


def error_cell(signature: service.ErrorSignature, link: str, text: str) -> SafeString:
    """Draw an order's error by its plain sentence, where it has one, its text and its category.

    ``link`` are the attributes of where the words lead to. Without a text the template stands in.
    """
    shown = text or signature.template[:300]
    parts = parted(signature.template, text) if text else (shown, "", "")
    words, below = _words_of_error(signature.plain, parts, signature.category)
    return SafeString(
        f'<div class="error-cell"><a class="signature" {link} title="{escape(text)}">'
        f"{words}</a>{below}</div>"
    )


@lru_cache(maxsize=2048)
def _words_of_error(sentence: str, parts: tuple[str, str, str], category: str) -> tuple[str, str]:
    """Draw what an error is called, and below it its category, and its text if that is else."""
    drawn, kind = _with_value(*parts), _category(category)
    if not sentence:
        return drawn, f'<span class="error-text">{kind}</span>'
    words = f"<span data-sentence>{escape(sentence)}</span>"
    return words, f'<span class="error-text">{kind}<span class="said">{drawn}</span></span>'


def _with_value(before: str, value: str, after: str) -> SafeString:
    """Draw a text with its value apart: where room is short, the rest gives way."""
    if not value:
        return slots(before)
    return SafeString(
        f'<span class="said__rest">{slots(before)}</span><b class="said__value">{escape(value)}</b>'
        f'<span class="said__rest">{slots(after)}</span>'
    )


def with_value(text: str, template: str) -> SafeString:
    """Draw a text of HotWax's with the value that it is about in bold."""
    before, value, after = parted(template, text)
    if not value:
        return SafeString(escape(text))
    return SafeString(f"{escape(before)}<b>{escape(value)}</b>{escape(after)}")


@lru_cache(maxsize=2048)
def slots(text: str) -> SafeString:
    """Mark what differs from order to order in a signature."""
    escaped = str(escape(text))
    marked = _SLOT.sub(lambda match: f'<i class="slot">{match[0]}</i>', escaped)
    return SafeString(marked)
