"""The figures above the list of orders, each against the period before."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.urls import reverse

from dashboard.charts.stacked import is_unseen, next_day
from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.parameters import ERRORS
from dashboard.filtering.periods import Bounds
from dashboard.filtering.query import Query
from dashboard.wording import number
from reconciler import service
from reconciler.service import Freshness

#: "New" is unreliable in the first 30 days after the first load.
LOOKED_BEFORE = timedelta(days=30)
#: Names of a list's query that say nothing about which orders are counted.
_NOT_COUNTED_BY = ("state", "sort", "per_page")


@dataclass(frozen=True)
class Figure:
    """A headline figure. ``change`` is against the period before, in per cent if ``relative``."""

    name: str
    label: str
    value: int
    url: str
    before: int | None = None
    relative: bool = False
    #: Words where nothing is compared.
    under: str = ""
    #: Its link leads to this list, not to another page.
    is_in_list: bool = True

    @property
    def change(self) -> int | None:
        """Return the change; None without a period before, or where there is nothing to divide."""
        if self.before is None or (self.relative and not self.before):
            return None
        more = self.value - self.before
        return round(100 * more / self.before) if self.relative else more


def figures_of(asked: OrderFilter, fresh: Freshness, views: service.ViewCounts) -> list[Figure]:
    """Return the figures of all that matches, whatever its view and state.

    ``views`` are the counts of the tabs.
    """
    matching, bounds = asked.matching(fresh.now, "view", "state"), asked.bounds(fresh.now)
    count_new = partial(service.new_signatures, matching, bounds.start, bounds.end)
    rest = (bounds.start, bounds.end)
    new = service.cached(fresh.revision, "new", matching, rest, count_new)
    failed_before, new_before = _counts_before(asked, fresh)
    path, query = reverse("dashboard:orders"), asked.query.without(*_NOT_COUNTED_BY)
    everything = query.with_("view", "all").url(path)
    not_there = matching.with_verdicts(["missing"]).order_by()
    missing = service.cached(fresh.revision, "orders", not_there, (), not_there.count)
    left, within_a_day = views.missing_without_owner, views.expiring_within_a_day
    soon = query.with_("view", "expiring").url(path)
    urgent = f"{number(within_a_day)} within 24 h" if within_a_day else ""
    counts = views.by_view
    return [
        Figure("failed", "Failed orders", counts["all"], everything, failed_before, relative=True),
        Figure(
            "missing",
            "Missing now",
            missing,
            query.with_("view", "all").with_("verdict", "missing").url(path),
            under=f"{number(left)} open without owner" if left else "",
        ),
        Figure("new", "New signatures", new, _new_url(asked, bounds), new_before, is_in_list=False),
        Figure("expiring", "Expiring in 7 days", counts["expiring"], soon, under=urgent),
    ]


def _new_url(asked: OrderFilter, bounds: Bounds) -> str:
    query = Query(asked.query.pairs, ERRORS).without("view", *_NOT_COUNTED_BY)
    # Without a beginning every signature is new, and /errors/ labels only those of last week.
    if bounds.start is not None:
        query = query.with_("label", "new")
    return query.url(reverse("dashboard:errors"))


def comparable(asked: OrderFilter, fresh: Freshness) -> Bounds | None:
    """Return the period before; None if there is none, or if part of either was not observed."""
    before = asked.before(fresh.now)
    if before is None or before.start is None or fresh.seen is None or is_to_come(asked, fresh):
        return None
    end = asked.bounds_so_far(fresh.now).end or fresh.now
    return None if is_unseen(asked, fresh, before.start, end) else before


def is_to_come(asked: OrderFilter, fresh: Freshness) -> bool:
    """Return True if the last days of the period are still to come; today is not one of them."""
    end = asked.bounds_so_far(fresh.now).end or fresh.now
    return asked.dated_by != "expires" and end > next_day(fresh.now)


def _counts_before(asked: OrderFilter, fresh: Freshness) -> tuple[int | None, int | None]:
    """Count failed orders and new signatures of the period before; None if not comparable."""
    before = comparable(asked, fresh)
    if before is None or before.start is None or fresh.seen is None:
        return None, None
    orders = asked.within(asked.matching(fresh.now, "view", "state", "dates"), before)
    known = fresh.seen[0] + LOOKED_BEFORE <= before.start
    new = service.new_signatures(orders, before.start, before.end) if known else None
    return orders.count(), new
