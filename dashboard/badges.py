"""Badges that say where an order stands: in HotWax or not, whose turn it is, who has it."""

from datetime import date, datetime, timedelta
from functools import cache

from django.utils.safestring import SafeString
from markupsafe import escape

from dashboard import wording
from dashboard.marks import icon, time_element, two_lines
from reconciler import service

State, Verdict = service.State, service.Verdict
#: Verdict in a sentence, where the question is not in sight.
VERDICT_WORDS = {
    Verdict.IMPORTED: "In HotWax",
    Verdict.MISSING: "Not in HotWax",
    Verdict.DUPLICATE: "Twice in HotWax",
    Verdict.UNCONFIRMED: "Perhaps in HotWax",
    Verdict.UNCHECKED: "HotWax was not asked yet",
}
#: A narrow column names so many OMS orders.
_IDS_SHOWN = 2
_A_MINUTE = timedelta(minutes=1)


@cache
def verdict(value: str) -> SafeString:
    """Draw a verdict: an icon and the answer."""
    words = service.Verdict(value).label
    return SafeString(
        f'<span class="verdict" data-value="{value}">{icon(value)}'
        f'<span><span class="asks">In HotWax?&nbsp;</span>{words}</span></span>'
    )


@cache
def state(value: str, words: str = "") -> SafeString:
    """Draw a state: an icon and a word, or ``words`` in its place."""
    shown = escape(words or service.State(value).label)
    return SafeString(f'<span class="status" data-value="{value}">{icon(value)}{shown}</span>')


def state_of_text(text: str, now: datetime) -> SafeString:
    """Draw a state as an event writes it: waiting:shop, ignored:2026-12-01."""
    value, _, detail = text.partition(":")
    if value not in service.State:
        return SafeString(escape(text))
    words = service.State(value).label
    more = detail_in_words(value, detail, now)
    return state(value, f"{words} {more}".strip())


def detail_in_words(value: str, detail: str, now: datetime) -> str:
    """Say for whom an order waits, or until when it is ignored; "" of other states."""
    if value == State.WAITING and detail in service.WaitingFor:
        return f"for {service.WaitingFor(detail).label}"
    if value != State.IGNORED:
        return ""
    if not detail:
        return "until it fails again"
    day, here = date.fromisoformat(detail), wording.local(now).date()
    year = "" if day.year == here.year else f" {day.year}"
    return f"until {day.day} {day:%b}{year}"


def verdict_lines(order: service.FailedOrder, now: datetime) -> SafeString:
    """Draw the verdict of an order, and below it when it was asked for, or the OMS orders."""
    return two_lines(verdict(order.verdict), _below_verdict(order, now))


def _below_verdict(order: service.FailedOrder, now: datetime) -> str:
    if not order.order_name:
        return "it has no name"
    if order.verdict_at is None:
        return "asked soon"
    if ids := [str(oms["id"]) for oms in order.oms_orders]:
        more = len(ids) - _IDS_SHOWN
        shown = ", ".join(ids[:_IDS_SHOWN])
        return SafeString(escape(f"{shown} +{more}" if more > 0 else shown))
    return time_element(order.verdict_at, when_asked(order.verdict_at, now))


def when_asked(moment: datetime, now: datetime) -> str:
    """Say when HotWax was asked: at 10:41; 3 d ago once it is old."""
    if timedelta(0) <= now - moment < timedelta(hours=12):
        return f"at {wording.clock(moment)}"
    return wording.ago(moment, now)


def state_lines(order: service.FailedOrder, now: datetime) -> SafeString:
    """Draw the state of an order, and below it for whom or until when."""
    below = escape(_below_state(order, now))
    # A long one is cut by its column: the title has it whole.
    return SafeString(
        f'<span class="line-1">{state(order.state)}</span>'
        f'<span class="line-2" title="{below}">{below}</span>'
    )


def _below_state(order: service.FailedOrder, now: datetime) -> str:
    if order.failed_since:
        return "tried again since" if order.state == State.RESOLVED else "failed again"
    words = detail_in_words(order.state, order.state_detail, now)
    if order.state == State.WAITING and order.state_at and now - order.state_at >= _A_MINUTE:
        return f"{words}, {wording.span(now - order.state_at)}"
    return words


def state_with_detail(order: service.FailedOrder, now: datetime) -> SafeString:
    """Draw the state of an order in one line: Waiting for the shop, 4 d."""
    below = _below_state(order, now)
    words = service.State(order.state).label
    comma = "," if order.failed_since else ""
    return state(order.state, f"{words}{comma} {below}".strip())


def owner(name: str | None, me: str) -> SafeString:
    """Draw who has an order: their initial and their user name; a dash for nobody."""
    if not name:
        return SafeString(
            '<span class="owner is-none"><span aria-hidden="true">–</span>'
            '<span class="sr-only">no one</span></span>'
        )
    shown = escape(wording.cut(name, 20))
    return SafeString(f'<span class="owner">{avatar(name, me)}{shown}</span>')


def avatar(name: str, me: str) -> SafeString:
    """Draw a disc with the initial of a user name."""
    mine = " is-me" if name == me else ""
    initial = escape(name[:1].upper())
    return SafeString(f'<span class="avatar{mine}" aria-hidden="true">{initial}</span>')
