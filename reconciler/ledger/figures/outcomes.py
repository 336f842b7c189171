"""What became of failed orders: in the OMS or not, how long it took, who resolved them.

Counted only from what the OMS was asked; what was never asked is a number of its own.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import Count, Q, QuerySet

from reconciler.ledger.figures.counts import counts_between, percentile
from reconciler.ledger.models import SYSTEM, Event, EventKind, OrderAlias, State, Verdict
from reconciler.ledger.queries import FailedOrderQuerySet

#: After every moment: ends the span that has no end.
LAST_MOMENT = datetime.max.replace(tzinfo=UTC)
#: Events that tell of a state.
_OF_STATES = Q(kind__in=(EventKind.STATE, EventKind.REOPENED)) | Q(
    kind=EventKind.UNDO, action__after=EventKind.STATE
)


@dataclass(frozen=True)
class Outcomes:
    """What became of some orders, as far as the OMS was asked."""

    #: Orders by verdict.
    verdicts: dict[str, int]
    resolved_by_program: int
    resolved_by_people: int
    #: Orders that were resolved once, and of these those that were opened again.
    was_resolved: int
    was_reopened: int
    #: Minutes from the first failure to the answer that it arrived, of orders that were known to be
    #: missing before: how many, median, nine in ten; None where nothing was measured.
    measured: int
    p50: int | None
    p90: int | None

    @property
    def asked(self) -> int:
        """Return how many orders the OMS was asked for."""
        return sum(n for verdict, n in self.verdicts.items() if verdict != Verdict.UNCHECKED)

    @property
    def arrived(self) -> int:
        """Return how many of these are in the OMS, once or twice."""
        return self.verdicts[Verdict.IMPORTED] + self.verdicts[Verdict.DUPLICATE]


def outcomes_of(orders: FailedOrderQuerySet) -> Outcomes:
    """Count what became of these orders."""
    resolved = Q(state=State.RESOLVED)
    groups = (
        orders.order_by()
        .values_list("verdict")
        .annotate(
            n=Count("pk"),
            program=Count("pk", filter=resolved & Q(state_by=SYSTEM)),
            people=Count("pk", filter=resolved & ~Q(state_by=SYSTEM)),
            once=Count("pk", filter=Q(was_resolved=True)),
            again=Count("pk", filter=Q(was_resolved=True, was_reopened=True)),
        )
    )
    verdicts, sums = dict.fromkeys(map(str, Verdict.values), 0), [0, 0, 0, 0]
    for verdict, n, *numbers in groups:
        verdicts[verdict] = n
        sums = [a + b for a, b in zip(sums, numbers, strict=True)]
    times = _minutes(orders)
    measured, p50, p90 = sum(times.values()), percentile(times, 50), percentile(times, 90)
    program, people, once, again = sums
    return Outcomes(verdicts, program, people, once, again, measured, p50, p90)


def _minutes(orders: FailedOrderQuerySet) -> dict[int, int]:
    """Count orders by whole minutes from the first failure to their arrival."""
    dated = orders.order_by().exclude(arrived_at=None).exclude(first_failed_at=None)
    counts: dict[int, int] = {}
    pairs: Any = dated.values_list("first_failed_at", "arrived_at")
    for failed, arrived in pairs.iterator():
        minutes = max(0, int((arrived - failed).total_seconds() // 60))
        counts[minutes] = counts.get(minutes, 0) + 1
    return counts


def backlog(
    orders: FailedOrderQuerySet, edges: Sequence[datetime]
) -> tuple[datetime | None, list[int]]:
    """Count these orders that were not resolved at the end of each span between edges.

    Returns since when states are known, None if none ever changed, and a number a span.
    """
    told = Event.objects.filter(_OF_STATES).order_by()
    known_from = told.order_by("at").values_list("at", flat=True).first()
    # An undated order is in no span.
    told = told.filter(order__first_at__isnull=False)
    if orders.query.where:
        told = told.filter(order__in=orders.order_by().values("pk"))
    merged = OrderAlias.objects.values("order")
    alone, swaps = told.exclude(order__in=merged), _swaps(told.filter(order__in=merged))
    # Backwards from now: so only what happened since the first edge is read.
    spans = (*edges, LAST_MOMENT)
    steps = [0] * len(edges)
    for (span, _), n in counts_between(orders, "first_at", spans, "signature").items():
        steps[span] += n
    turned = alone.filter(Q(after=State.RESOLVED) | Q(before=State.RESOLVED))
    for (span, after), n in counts_between(turned, "at", spans, "after").items():
        steps[span] += -n if after == State.RESOLVED else n
    for at, step in swaps:
        if at >= edges[0]:
            steps[bisect_right(edges, at) - 1] += step
    number = orders.exclude(first_at=None).exclude(state=State.RESOLVED).count()
    numbers = []
    for step in reversed(steps[1:]):
        number -= step
        numbers.append(number)
    return known_from, numbers[::-1]


def _swaps(told: QuerySet[Event]) -> list[tuple[datetime, int]]:
    """Return when orders that took others in were closed (-1) and opened (+1).

    They have the events of several orders: two that were closed are one that is closed.
    """
    swaps: list[tuple[datetime, int]] = []
    rows = told.order_by("order", "at", "pk").values_list("order", "order__state", "at", "after")
    for (_, state), events in groupby(rows, itemgetter(0, 1)):
        resolved, mine = False, list[tuple[datetime, int]]()
        for *_, at, after in events:
            if (after == State.RESOLVED) != resolved:
                resolved = not resolved
                mine.append((at, -1 if resolved else 1))
        if mine and resolved != (state == State.RESOLVED):
            # The last one was of an order that gave way to the state of the other.
            mine.pop()
        swaps += mine
    return swaps
