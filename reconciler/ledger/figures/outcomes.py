"""What became of failed orders: in the OMS or not, how long it took, who resolved them.

Counted only from what the OMS was asked; what was never asked is a number of its own.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import add, itemgetter
from typing import Any

from django.db.models import Case, Count, F, Q, QuerySet, When

from reconciler.ledger.arrival_spans import ARRIVAL_SPANS, span_of
from reconciler.ledger.figures.counts import counts_between, percentile
from reconciler.ledger.models import SYSTEM, Event, EventKind, OrderAlias, State, Verdict
from reconciler.ledger.queries import NOT_RESOLVED, FailedOrderQuerySet, count_where, is_open
from reconciler.ledger.statements import LAST_MOMENT

#: Events that tell of a state.
_OF_STATES = Q(kind__in=(EventKind.STATE, EventKind.REOPENED)) | Q(
    kind=EventKind.UNDO, action__after=EventKind.STATE
)


@dataclass(frozen=True)
class Resolver:
    """Who resolved orders that are resolved now: a user name, or SYSTEM."""

    actor: str
    orders: int
    #: Median of the whole minutes since the first failure: until the person resolved it, or, of
    #: SYSTEM, until it arrived. None where nothing was measured.
    median: int | None


@dataclass(frozen=True)
class Outcomes:
    """What became of some orders, as far as the OMS was asked."""

    #: Orders by verdict.
    verdicts: dict[str, int]
    #: SYSTEM first, then who resolved most.
    resolvers: list[Resolver]
    #: Orders that were resolved once, and of these those that were opened again.
    was_resolved: int
    was_reopened: int
    #: Orders that are open at the moment of counting.
    still_open: int
    #: Orders by span of the time from the first failure to the answer that it arrived, of those
    #: that were known to be missing before.
    arrivals: dict[str, int]
    #: Median and nine in ten of this time in whole minutes; None where nothing was measured.
    p50: int | None
    p90: int | None

    @property
    def measured(self) -> int:
        """Return how many orders have a time of arrival."""
        return sum(self.arrivals.values())

    @property
    def resolved(self) -> int:
        """Return how many orders are resolved."""
        return sum(one.orders for one in self.resolvers)

    @property
    def resolved_by_program(self) -> int:
        """Return how many were resolved because they arrived."""
        return sum(one.orders for one in self.resolvers if one.actor == SYSTEM)

    @property
    def resolved_by_people(self) -> int:
        """Return how many a person resolved."""
        return self.resolved - self.resolved_by_program

    @property
    def asked(self) -> int:
        """Return how many orders the OMS was asked for."""
        return sum(n for verdict, n in self.verdicts.items() if verdict != Verdict.UNCHECKED)

    @property
    def arrived(self) -> int:
        """Return how many of these are in the OMS, once or twice."""
        return self.verdicts[Verdict.IMPORTED] + self.verdicts[Verdict.DUPLICATE]


def outcomes_of(orders: FailedOrderQuerySet, now: datetime) -> Outcomes:
    """Count what became of these orders; what is open is so at ``now``."""
    resolver = Case(When(state=State.RESOLVED, then=F("state_by")))
    groups = (
        orders.order_by()
        .values_list("verdict", resolver)
        .annotate(
            n=Count("*"),
            once=count_where(Q(was_resolved=True)),
            again=count_where(Q(was_resolved=True, was_reopened=True)),
            unfinished=count_where(is_open(now)),
        )
    )
    verdicts = dict.fromkeys(map(str, Verdict.values), 0)
    by_resolver, sums = Counter[str](), [0, 0, 0]
    for verdict, actor, n, *others in groups:
        verdicts[verdict] += n
        sums = list(map(add, sums, others))
        if actor is not None:
            by_resolver[actor] += n
    by_actor = _minutes(orders, "arrived_at")
    times = sum(by_actor.values(), Counter[int]())
    arrivals = dict.fromkeys(ARRIVAL_SPANS, 0)
    for minutes, n in times.items():
        arrivals[span_of(minutes)] += n
    p50, p90 = percentile(times, 50), percentile(times, 90)
    resolvers = _resolvers(orders, by_resolver, by_actor[SYSTEM])
    once, again, still_open = sums
    return Outcomes(verdicts, resolvers, once, again, still_open, arrivals, p50, p90)


def _resolvers(
    orders: FailedOrderQuerySet, counts: Counter[str], arrivals: Counter[int]
) -> list[Resolver]:
    """Return who resolved how many of these orders, and how long that took.

    ``arrivals`` are the minutes until the arrival of those that SYSTEM resolved.
    """
    people = orders.filter(state=State.RESOLVED).exclude(state_by=SYSTEM)
    times = _minutes(people, "state_at") if set(counts) - {SYSTEM} else {}
    times[SYSTEM] = arrivals
    ranked = sorted(counts.items(), key=lambda pair: (pair[0] != SYSTEM, -pair[1], pair[0]))
    return [Resolver(actor, n, percentile(times.get(actor, {}), 50)) for actor, n in ranked]


def _minutes(orders: FailedOrderQuerySet, until: str) -> dict[str | None, Counter[int]]:
    """Count orders by who resolved them, and by whole minutes from the first failure until then.

    ``until`` is a column; an order in which one of the two is not known is left out. Orders that
    are not resolved stand under None.
    """
    counts: dict[str | None, Counter[int]] = defaultdict(Counter)
    known = orders.order_by().exclude(first_failed_at=None).exclude(**{until: None})
    rows: Any = known.values_list("state", "state_by", "first_failed_at", until)
    for state, actor, failed, then in rows.iterator():
        resolver = actor if state == State.RESOLVED else None
        counts[resolver][max(0, int((then - failed).total_seconds() // 60))] += 1
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
    number = orders.exclude(first_at=None).filter(NOT_RESOLVED).count()
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
