"""What stands above the list of orders: figures against the period before, and a histogram."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.urls import reverse

from dashboard.charts.stacked import StackedChart, category_series, ends_of, is_unseen, stacked
from dashboard.filtering.forms import OrderFilters
from dashboard.filtering.periods import Bounds, edges_between
from dashboard.filtering.query import ErrorsQuery
from reconciler import service

#: What is first seen right after we began to look may be old.
LOOKED_BEFORE = timedelta(days=30)


@dataclass(frozen=True)
class Figure:
    """A headline figure. ``change`` is against the period before, in per cent if ``relative``."""

    name: str
    label: str
    value: int
    url: str
    before: int | None = None
    relative: bool = False

    @property
    def change(self) -> int | None:
        """Return the change; None without a period before, or where there is nothing to divide."""
        if self.before is None or (self.relative and not self.before):
            return None
        more = self.value - self.before
        return round(100 * more / self.before) if self.relative else more


def figures_of(filters: OrderFilters, counts: dict[str, int]) -> list[Figure]:
    """Count what stands above the list, whatever its view and state.

    ``counts`` are those of the tabs: of all that matches the other filters, per view.
    """
    matching, bounds = filters.matching("view", "state"), filters.bounds
    count_new = partial(service.new_signatures, matching, bounds.start, bounds.end)
    rest = (bounds.start, bounds.end)
    new = service.kept(filters.revision, "new", matching.order_by(), rest, count_new)
    failed_before, new_before = _counts_before(filters)
    path, query = reverse("dashboard:orders"), filters.query.without("state", "sort", "per_page")
    everything = query.with_("view", "all").url(path)
    soon = query.with_("view", "expiring").url(path)
    return [
        Figure("failed", "Failed orders", counts["all"], everything, failed_before, relative=True),
        Figure("new", "New signatures", new, _new_url(filters), new_before),
        Figure("expiring", "Expiring in 7 days", counts["expiring"], soon),
    ]


def _new_url(filters: OrderFilters) -> str:
    query = ErrorsQuery(filters.query.pairs).without("view", "state", "sort", "per_page")
    # Without a beginning every signature is new, and without a period a label tells of late.
    if filters.bounds.start is not None:
        query = query.with_("label", "new")
    return query.url(reverse("dashboard:errors"))


def comparable(filters: OrderFilters) -> Bounds | None:
    """Return the period before; None without one, or where days of either were not seen."""
    before = filters.before
    if before is None or before.start is None or filters.seen is None:
        return None
    end = filters.bounds.end or filters.now
    unseen = is_unseen(filters, before.start, end)
    return None if unseen else before  # days that were not seen count as nothing


def _counts_before(filters: OrderFilters) -> tuple[int | None, int | None]:
    """Count failed orders and new signatures of the period before; None: not to be compared."""
    before, seen = comparable(filters), filters.seen
    if before is None or before.start is None or seen is None:
        return None, None
    orders = filters.within(filters.matching("view", "state", "dates"), before)
    known = seen[0] + LOOKED_BEFORE <= before.start
    new = service.new_signatures(orders, before.start, before.end) if known else None
    return orders.count(), new


def histogram_of(filters: OrderFilters, total: int) -> StackedChart | None:
    """Draw the orders that match, whatever their view and state, over the list's own date."""
    ends = ends_of(filters, filters.matching("view", "state"))
    if ends is None:
        return None
    unit, edges = edges_between(*ends)
    # The edges bound what is counted; two bounds mislead SQLite.
    undated = filters.within(filters.matching("view", "state", "dates"), Bounds())
    spans = service.histogram(undated, filters.date_value, edges, filters.revision)
    everything = filters.orders_query.without("state").with_("view", "all")
    path = reverse("dashboard:orders")

    def link(category: service.Category) -> str:
        return filters.query.toggle("category", category.value).url(path)

    query = None if unit == "hour" else everything
    return stacked(filters, unit, edges, spans, category_series(spans, link), query, total)
