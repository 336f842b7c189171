"""What changed about errors: more than before, or quiet (LEDGER.md §5, "Labels")."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

from django.db.models import Count

from reconciler.ledger.queries import FailedOrderQuerySet, failed_orders

#: An error is worse with so many more orders than in the period before, and so many times as many.
MORE, TIMES = 10, 2
#: An error is quiet after so long, and after so many times the usual pause between its orders.
QUIET, PAUSES = timedelta(days=3), 7
#: The usual pause is the median of so long a time.
USUAL = timedelta(days=60)


@dataclass(frozen=True)
class Changes:
    """Orders by the primary key of their signature in a period and in the one before.

    ``before`` is None where the two cannot be compared. ``quiet`` holds the quiet signatures.
    """

    now: Mapping[int, int] = field(default_factory=dict)
    before: Mapping[int, int] | None = None
    quiet: frozenset[int] = frozenset()

    def of(self, signature: int) -> int | None:
        """Return how many orders more there are than before; None if not comparable."""
        if self.before is None:
            return None
        return self.now.get(signature, 0) - self.before.get(signature, 0)

    def is_worse(self, signature: int) -> bool:
        """Return True if a signature has many more orders than before."""
        more = self.of(signature)
        if more is None or self.before is None:
            return False
        times = self.now.get(signature, 0) >= TIMES * self.before.get(signature, 0)
        return more >= MORE and times


NO_CHANGES = Changes()


def orders_by_signature(orders: FailedOrderQuerySet) -> dict[int, int]:
    """Count these orders by the primary key of their signature."""
    return dict(orders.order_by().values_list("signature").annotate(n=Count("*")))


def quiet_signatures(now: datetime) -> frozenset[int]:
    """Return the signatures that have open orders and have been quiet for long, as of ``now``.

    Of the whole ledger, by the orders' first attempts. Without two orders there is no usual pause.
    """
    unfinished = failed_orders().in_view("open", now).order_by()
    candidates = set(unfinished.values_list("signature", flat=True).distinct())
    recent = failed_orders().filter(first_at__gt=now - QUIET, first_at__lte=now).order_by()
    candidates -= set(recent.values_list("signature", flat=True).distinct())
    usual = failed_orders().filter(first_at__gte=now - USUAL, first_at__lte=now - QUIET)
    rows: Any = usual.filter(signature__in=candidates).order_by("first_at")
    moments: dict[int, list[datetime]] = defaultdict(list)
    for signature, first_at in rows.values_list("signature", "first_at"):
        moments[signature].append(first_at)
    return frozenset(
        signature
        for signature, mine in moments.items()
        if len(mine) > 1 and now - mine[-1] >= PAUSES * _median_pause(mine)
    )


def _median_pause(moments: list[datetime]) -> timedelta:
    pauses = [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]
    return timedelta(seconds=median(pauses))
