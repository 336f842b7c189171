"""What to do about an order now: one sentence of verdict, advice, state and time left."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard.badges import VERDICT_WORDS, detail_in_words, when_asked
from dashboard.marks import time_ago, time_day, time_element
from dashboard.telling import parted
from dashboard.wording import cut, in_sentence, span
from reconciler import service
from reconciler.service import Retry, State, Verdict

#: Advice about an order that is not in HotWax.
_ADVICE = {
    Retry.YES: "Import it again",
    Retry.AFTER_FIX: "Fix the cause, then import it again",
    Retry.CHECK_FIRST: "Find the cause before it is imported again",
    Retry.NO: "Do not import it again",
}
#: What one does next, as a button: import screen, asking the OMS, setting it to resolved, nothing.
IMPORT, CHECK, RESOLVE, NOTHING = "import", "check", "resolve", ""


@dataclass(frozen=True)
class WhatNow:
    """The sentence, and the step that it leads to."""

    sentence: SafeString
    step: str


def what_now(
    order: service.FailedOrder,
    events: list[service.Event],
    fresh: service.Freshness,
) -> WhatNow:
    """Say what to do about an order."""
    now = fresh.now
    if order.verdict == Verdict.IMPORTED:
        return WhatNow(_imported(order, events, now), NOTHING)
    if order.verdict == Verdict.DUPLICATE:
        words = "<b>Twice in HotWax</b> ({}). Cancel one of them; do not import it again."
        return WhatNow(format_html(words, _ids(order)), RESOLVE)
    if order.verdict == Verdict.UNCONFIRMED:
        words = "<b>Perhaps in HotWax:</b> {} has its name, but {}. Look at it in the OMS first."
        return WhatNow(format_html(words, _ids(order), _doubt(order)), CHECK)
    if order.verdict == Verdict.MISSING:
        head = format_html("<b>Not in HotWax</b> {}{}.", _as_of(order, now), _reason(order))
    else:
        head = _not_asked(order, fresh)
    rest, step = _rest(order, now)
    return WhatNow(format_html("{} {}", head, rest), step)


def _imported(order: service.FailedOrder, events: list[service.Event], now: datetime) -> SafeString:
    arrived = [e for e in events if e.kind == "verdict" and e.after == Verdict.IMPORTED]
    seen = arrived[0].at if arrived else order.verdict_at
    when = format_html(", seen {}", time_element(seen, in_sentence(seen, now))) if seen else ""
    if seen and order.last_failed_at and seen > order.last_failed_at:
        when = format_html("{}, {} after it failed", when, span(seen - order.last_failed_at))
    again = (
        " It was tried again since; that failed, and changes nothing."
        if (order.state == State.RESOLVED and order.failed_since)
        else ""
    )
    return format_html("<b>Imported as {}</b>{}. Nothing to do.{}", _ids(order), when, again)


def _ids(order: service.FailedOrder) -> str:
    return ", ".join(oms.order_id for oms in order.in_oms) or "an order without an id"


def _doubt(order: service.FailedOrder) -> str:
    """Say why what was found is no proof."""
    found = order.in_oms
    if all(oms.is_cancelled for oms in found):
        return "is cancelled"
    if order.order_created_at is None or any(oms.ordered_at is None for oms in found):
        return "a date is not known"
    apart = [abs(oms.ordered_at - order.order_created_at) for oms in found if oms.ordered_at]
    if min(apart) > service.DATES_AGREE:
        return f"was placed {span(min(apart))} apart"
    return "may belong to another shop"


def _as_of(order: service.FailedOrder, now: datetime) -> SafeString:
    assert order.verdict_at
    words = when_asked(order.verdict_at, now)
    told = f"as of {words.removeprefix('at ')}"
    return time_element(order.verdict_at, told)


#: Words that begin a sentence with a capital, and only a sentence.
_LITTLE_WORDS = ("A", "An", "Another", "No", "One", "Parts", "The", "Two")


def _reason(order: service.FailedOrder) -> SafeString:
    """Say why, in the plain words of the error, with the value that it is about."""
    words = order.signature.plain.removesuffix(".")
    if not words:
        return SafeString("")
    if words.partition(" ")[0] in _LITTLE_WORDS:
        words = f"{words[0].lower()}{words[1:]}"
    _, value, _ = parted(order.signature.template, order.error_excerpt)
    told = format_html(" (<b>{}</b>)", cut(value, 60)) if value else ""
    return format_html(": {}{}", words, told)


def _not_asked(order: service.FailedOrder, fresh: service.Freshness) -> SafeString:
    if not order.order_name:
        return SafeString("<b>It has no name</b>, so HotWax cannot be asked whether it arrived.")
    if fresh.oms.state == "off":
        return format_html("<b>HotWax cannot be asked</b> whether it arrived: {}", fresh.oms.error)
    if service.interval_of(order, fresh.now) is None and not order.asks_first:
        words = "<b>HotWax was not asked</b>: the order is too old to be asked about by itself."
        return SafeString(words)
    return format_html("<b>{}</b>; it is asked within minutes.", VERDICT_WORDS[Verdict.UNCHECKED])


def _rest(order: service.FailedOrder, now: datetime) -> tuple[SafeString, str]:
    """Say what to do about an order that is not known to be in HotWax, and until when."""
    if order.state == State.RESOLVED:
        return SafeString("It is resolved: nothing to do."), NOTHING
    advice, step = _ADVICE[Retry(order.signature.retry)], IMPORT
    if order.signature.retry in (Retry.CHECK_FIRST, Retry.NO):
        step = CHECK
    if order.state == State.WAITING:
        who = detail_in_words(order.state, order.state_detail, now)
        advice, step = f"Wait {who}; then {advice[0].lower()}{advice[1:]}", NOTHING
    elif order.state == State.IGNORED and not order.failed_since:
        who = detail_in_words(order.state, order.state_detail, now)
        return format_html("It is ignored {}.", who), NOTHING
    return format_html("{}{}.", advice, _forgets(order, now)), step


def _forgets(order: service.FailedOrder, now: datetime) -> SafeString:
    if order.left_log_at is not None:
        told = "forgot it" if order.left_log_reason == "expired" else "removed it from its log"
        return format_html("; HotWax {} on {}", told, time_day(order.left_log_at, now))
    if order.expires_at is None or order.expires_at <= now:
        return SafeString("")
    urgent = "is-urgent" if order.expires_at - now < timedelta(days=1) else "keep"
    return format_html(
        '; HotWax forgets it <b class="{}">{}</b>', urgent, time_ago(order.expires_at, now)
    )
