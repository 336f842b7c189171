"""What was done and what happened, by whom and when: rows are only ever added (Activity)."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet

from reconciler.ledger.models import SYSTEM, Event, EventKind, FailedOrder


def event(
    kind: EventKind,
    at: datetime,
    *,
    order: FailedOrder | int | None = None,
    actor: str = SYSTEM,
    before: str = "",
    after: str = "",
    **others: object,
) -> Event:
    """Make an event; ``record`` writes it."""
    pk = order.pk if isinstance(order, FailedOrder) else order
    return Event(order_id=pk, kind=kind, at=at, actor=actor, before=before, after=after, **others)


def record(events: Iterable[Event]) -> None:
    """Write events, in the transaction of what they tell of."""
    Event.objects.bulk_create(events, batch_size=500)


def note_export(actor: str, filters: str, file: str, now: datetime) -> None:
    """Remember that a person took orders away in a file; ``filters`` say in words which."""
    record([event(EventKind.EXPORT, now, actor=actor, before=filters, after=file)])


def note_view(actor: str, before: str, after: str, now: datetime) -> None:
    """Remember that a person saved, renamed or deleted a view of the list."""
    record([event(EventKind.VIEW, now, actor=actor, before=before, after=after)])


def events_of(order: FailedOrder, most: int) -> list[Event]:
    """Return what happened to an order and was done about it: the newest, the oldest first."""
    events = Event.objects.filter(order=order).select_related("action")
    return list(events.order_by("-at", "-pk")[:most])[::-1]


def activity() -> QuerySet[Event]:
    """Return all events, newest first."""
    events = Event.objects.select_related("order", "order__shop", "signature", "action")
    # Of orders only what a list may show.
    return events.defer("order__search_text", "order__error_excerpt").order_by("-at", "-pk")
