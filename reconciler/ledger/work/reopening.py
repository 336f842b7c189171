"""What follows when an order fails again, or leaves HotWax's log.

A resolved order that fails again is looked up in the OMS before it is opened again; where the OMS
cannot be asked it is opened at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from reconciler.ledger.models import Event, EventKind, FailedOrder, State, SyncState
from reconciler.ledger.queries import failed_orders
from reconciler.ledger.work.arrivals import move
from reconciler.ledger.work.due import TOLERANCE
from reconciler.ledger.work.events import event, record

#: An answer of the order index counts as a sign of life for so long.
ANSWERS_FOR = timedelta(minutes=15)
REMOVED = "removed"


@dataclass(frozen=True)
class Before:
    """What an order was before its attempts were counted anew."""

    last_failed_at: datetime | None
    left_log_at: datetime | None

    @classmethod
    def of(cls, order: FailedOrder) -> "Before":
        """Remember an order as it is."""
        return cls(order.last_failed_at, order.left_log_at)


def can_ask(now: datetime) -> bool:
    """Return True if the order index answered lately, and did not fail since."""
    state = SyncState.objects.filter(pk=SyncState.ONLY).first()
    if state is None or state.oms_off or state.oms_failing_since or state.oms_answered_at is None:
        return False
    return abs(now - state.oms_answered_at) < ANSWERS_FOR


def what_follows(orders: Iterable[tuple[FailedOrder, Before]], now: datetime) -> list[Event]:
    """Set what follows from new attempts and from leaving the log; return the events to record."""
    events, asks = list[Event](), None
    for order, before in orders:
        if order.left_log_at and not before.left_log_at:
            reason = order.left_log_reason
            events.append(event(EventKind.LEFT_LOG, now, order=order, after=reason))
            if reason == REMOVED and order.order_name:
                order.asks_first = True  # perhaps it was removed because it arrived
        if not _failed_again(order, before):
            continue
        order.failed_since = True
        if order.state == State.RESOLVED:
            asks = can_ask(now) if asks is None else asks
            if asks and order.order_name:
                order.asks_first = True
            else:
                events.append(move(order, State.OPEN, EventKind.REOPENED, now))
    return events


def _failed_again(order: FailedOrder, before: Before) -> bool:
    last = order.last_failed_at
    if order.state not in (State.RESOLVED, State.IGNORED) or last is None:
        return False
    is_new = before.last_failed_at is None or last > before.last_failed_at
    # An attempt that was logged earlier, and only seen now, is no reason.
    return is_new and (order.state_at is None or last > order.state_at - TOLERANCE)


def reopen_unasked(now: datetime) -> int:
    """Open again what waits for a look-up that cannot be made; return how many orders."""
    if can_ask(now):
        return 0
    with transaction.atomic():
        SyncState.objects.filter(pk=SyncState.ONLY).update(revision=F("revision") + 1)
        waiting = failed_orders().filter(state=State.RESOLVED, failed_since=True, asks_first=True)
        orders = list(waiting.select_for_update().order_by("pk"))
        events = [move(order, State.OPEN, EventKind.REOPENED, now) for order in orders]
        columns = ("state", "state_detail", "state_at", "failed_since", "revision")
        FailedOrder.objects.bulk_create(
            orders, update_conflicts=True, unique_fields=["id"], update_fields=columns
        )
        record(events)
    return len(orders)
