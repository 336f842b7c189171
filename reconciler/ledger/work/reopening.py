"""What follows when an order fails again, or leaves HotWax's log.

A resolved order that fails again is looked up in the OMS before it is opened again; where the OMS
cannot be asked it is opened at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from reconciler.ledger.models import Attempt, Event, EventKind, FailedOrder, State, SyncState
from reconciler.ledger.queries import CLOCK_TOLERANCE, FailedOrderQuerySet, failed_orders
from reconciler.ledger.work.arrivals import move
from reconciler.ledger.work.events import event, record

#: An answer of the order index counts as a sign of life for so long.
ANSWERS_FOR = timedelta(minutes=15)
REMOVED = "removed"


#: HotWax's clock and ours may differ so much, and a log entry be seen so late.
SLACK = timedelta(minutes=10)


@dataclass(frozen=True)
class Before:
    """What an order was before its attempts were counted anew."""

    attempt_count: int
    left_log_at: datetime | None

    @classmethod
    def of(cls, order: FailedOrder) -> "Before":
        """Remember an order as it is."""
        return cls(order.attempt_count, order.left_log_at)


@dataclass(frozen=True)
class Change:
    """An order whose attempts were counted anew."""

    order: FailedOrder
    before: Before
    attempts: Sequence[Attempt]


def can_ask(now: datetime) -> bool:
    """Return True if the order index answered lately, and did not fail since."""
    state = SyncState.objects.filter(pk=SyncState.ONLY).first()
    if state is None or state.oms_off or state.oms_failing_since or state.oms_answered_at is None:
        return False
    return abs(now - state.oms_answered_at) < ANSWERS_FOR


def what_follows(changes: Iterable[Change], now: datetime) -> list[Event]:
    """Set what follows from new attempts and from leaving the log; return the events to record."""
    events, asks = list[Event](), None
    for change in changes:
        order = change.order
        if order.left_log_at and not change.before.left_log_at:
            reason = order.left_log_reason
            events.append(event(EventKind.LEFT_LOG, now, order=order, after=reason))
            if reason == REMOVED and order.order_name:
                order.asks_first = True  # perhaps it was removed because it arrived
        if not _failed_again(change, now):
            continue
        order.failed_since = True
        if order.state == State.RESOLVED:
            asks = can_ask(now) if asks is None else asks
            order.asks_first = bool(order.order_name)
            if not asks or not order.order_name:
                events.append(move(order, State.OPEN, EventKind.REOPENED, now))
    return events


def _failed_again(change: Change, now: datetime) -> bool:
    """Return True if an attempt came in after the state was set.

    When it came in is told by our clock. One that was logged long before, and only seen now, is no
    reason; a time that is not known, or lies in the future, tells nothing.
    """
    order = change.order
    if order.state not in (State.RESOLVED, State.IGNORED):
        return False
    if order.attempt_count <= change.before.attempt_count:
        return False
    since = order.state_at
    if since is None or since > now + CLOCK_TOLERANCE:
        return True
    return any(
        attempt.seen_first_at >= since
        and (attempt.logged_at is None or attempt.logged_at > since - SLACK)
        for attempt in change.attempts
    )


def reopen_unasked(now: datetime) -> int:
    """Open again what waits for a look-up that cannot be made; return how many orders."""
    if can_ask(now):
        return 0
    return _reopen(_waiting(), now)


def reopen_named(names: Iterable[str], now: datetime) -> int:
    """Open again what waits for a look-up by names that get no answer; return how many orders."""
    return _reopen(_waiting().filter(order_name__in=list(names)), now)


def _waiting() -> FailedOrderQuerySet:
    return failed_orders().filter(state=State.RESOLVED, failed_since=True, asks_first=True)


def _reopen(waiting: FailedOrderQuerySet, now: datetime) -> int:
    if not waiting.exists():
        return 0
    with transaction.atomic():
        SyncState.raise_revision()
        orders = list(waiting.select_for_update().order_by("pk"))
        # It still asks first, once the index answers again.
        events = [move(order, State.OPEN, EventKind.REOPENED, now) for order in orders]
        columns = ["state", "state_detail", "state_at", "state_by", "was_reopened"]
        columns += ["failed_since", "kept_open", "revision"]
        FailedOrder.objects.bulk_create(
            orders, update_conflicts=True, unique_fields=["id"], update_fields=columns
        )
        record(events)
    return len(orders)
