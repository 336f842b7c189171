"""What happened to an order, by time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.core.paginator import Page

from dashboard import event_words
from dashboard.event_words import note_html
from dashboard.wording import lag
from reconciler import service
from reconciler.service import EventKind


@dataclass(frozen=True)
class Moment:
    """One entry of the timeline. ``kind``: past, failed, ahead, event or note."""

    kind: str
    at: datetime | None
    title: str
    after: str = ""
    detail: str = ""
    attempt: service.Attempt | None = None
    event: service.Event | None = None
    #: What an event says, as HTML.
    told: str = ""


@dataclass(frozen=True)
class Timeline:
    """What happened, oldest first.

    ``zone_looks_wrong`` is how long before its creation the order was first attempted, or None.
    """

    moments: list[Moment]
    zone_looks_wrong: timedelta | None


def timeline_of(
    order: service.FailedOrder,
    page: Page[service.Attempt],
    events: list[service.Event],
    now: datetime,
) -> Timeline:
    """Return what is known of an order by time; ``page`` has attempts of it, newest first.

    What lies before the attempts is on the last page, what lies after them on the first, and what
    people did, ``events``, between them where it happened.
    """
    created, first = order.order_created_at, order.first_attempted_at
    moments: list[Moment] = []
    if not page.has_next():
        moments += _beginning(created, first)
    attempts = _attempts(page, first or created)
    moments += _with_events(attempts, page, [*_events(order, events, now)])
    if page.number == 1:
        moments += _ending(order, now)
    wrong = first - created if created and first and first < created else None
    return Timeline(moments, wrong)


def _beginning(created: datetime | None, first: datetime | None) -> list[Moment]:
    moments = [Moment("past", created, "Created in Shopify")] if created else []
    if first:
        after = lag(first - created) if created else ""
        moments.append(Moment("past", first, "First import attempted", after))
    return moments


def _attempts(page: Page[service.Attempt], previous: datetime | None) -> list[Moment]:
    number = page.paginator.count - page.end_index()
    previous = None if page.has_next() else previous
    error, moments = None, []
    for attempt in reversed(page.object_list):
        number += 1
        at = attempt.logged_at
        after = lag(at - previous) if at and previous else ""
        same = attempt.error_text == error
        detail = "the same error" if same else _short(attempt.error_text)
        moments.append(Moment("failed", at, f"Attempt {number} failed", after, detail, attempt))
        previous, error = at or previous, attempt.error_text
    return moments


def _events(
    order: service.FailedOrder, events: list[service.Event], now: datetime
) -> Iterator[Moment]:
    """Yield what happened beside the attempts; leaving the log is told at the end."""
    last_asked = None
    for event in events:
        if event.kind == EventKind.LEFT_LOG:
            continue
        if event.kind == EventKind.NOTE:
            yield Moment("note", event.at, event.actor, event=event, told=note_html(event))
            continue
        last_asked = event.at if event.kind == EventKind.VERDICT else last_asked
        yield Moment("event", event.at, event.actor, event=event, told=event_words.told(event, now))
    if order.verdict_at and last_asked and order.verdict_at > last_asked:
        yield Moment("event", order.verdict_at, service.SYSTEM, told="asked HotWax: still the same")


def _with_events(
    attempts: list[Moment], page: Page[service.Attempt], events: list[Moment]
) -> list[Moment]:
    """Put events between the attempts of a page; those of other times are on other pages."""
    dated = [moment.at for moment in attempts if moment.at]
    first, last = min(dated, default=None), max(dated, default=None)
    if page.has_next() and first:
        events = [event for event in events if event.at and event.at >= first]
    if page.number > 1 and last:
        events = [event for event in events if event.at and event.at <= last]
    # Attempts without a timestamp stand first, as on their page. The sort keeps what is at one time
    # in its order: attempts before events.
    return sorted([*attempts, *events], key=_when)


def _when(moment: Moment) -> datetime:
    return moment.at or datetime.min.replace(tzinfo=UTC)


def _ending(order: service.FailedOrder, now: datetime) -> list[Moment]:
    if order.left_log_at:
        title = (
            "Left HotWax’s log"
            if order.left_log_reason == "expired"
            else "Removed from HotWax’s log"
        )
        return [Moment("past", order.left_log_at, title, "this page stays")]
    if order.expires_at is None:
        return []
    title = "Leaves HotWax’s log" if order.expires_at > now else "Due to leave HotWax’s log"
    return [Moment("ahead", order.expires_at, title, "this page stays")]


def _short(text: str) -> str:
    line = " ".join(text[:600].split())
    return line if len(line) <= 160 else line[:159] + "…"
