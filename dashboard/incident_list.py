"""The incidents of a period: above the list of errors, on an error's page, on charts."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property, partial

from dashboard.charts.stacked import Band, StackedChart
from dashboard.filtering.order_filter import OrderFilter
from reconciler import service
from reconciler.service import Freshness, Incident

#: Without a beginning of the period, so far back.
REACHES_BACK = timedelta(days=60)
#: So many are shown at once, and so many at all.
AT_FIRST, MOST = 3, 50
#: By these the incidents on a chart are called.
LETTERS = "ABCDEF"


@dataclass(frozen=True)
class IncidentList:
    """The incidents of a period, the latest first."""

    found: list[Incident]
    #: How many shops there are.
    shops: int

    @property
    def first(self) -> list[Incident]:
        """Return those that are shown at once."""
        return self.found[:AT_FIRST]

    @cached_property
    def lettered(self) -> list[tuple[str, Incident]]:
        """Return those that are marked on a chart, in the order of their letters.

        They are the ones that last, then the largest.
        """
        chosen = sorted(self.found, key=lambda one: (not one.lasts, -one.orders))[: len(LETTERS)]
        return list(zip(LETTERS, sorted(chosen, key=lambda one: one.start), strict=False))

    @property
    def rest(self) -> list[Incident]:
        """Return those that are shown on request."""
        return self.found[AT_FIRST:MOST]


def incidents_of(asked: OrderFilter, fresh: Freshness, signatures: Collection[int]) -> IncidentList:
    """Return the incidents of these signatures in the period, whatever else is filtered."""
    if fresh.seen is None:
        return IncidentList([], 0)
    bounds = asked.bounds_so_far(fresh.now)
    start = bounds.start or fresh.now - REACHES_BACK
    end = bounds.end or fresh.now + timedelta(seconds=1)
    only = next(iter(signatures)) if len(signatures) == 1 else None
    # What was found holds for the minute.
    rest = (only, *(f"{moment:%Y-%m-%d %H:%M}" for moment in (start, end, fresh.now)))
    find = partial(service.incidents, start, end, fresh.now, fresh.seen[0], only)
    found = service.cached(fresh.revision, "incidents", None, rest, find)
    shops = service.number_of_shops() if found else 0
    return IncidentList([one for one in found if one.signature.pk in signatures], shops)


def are_on_charts(asked: OrderFilter) -> bool:
    """Return True where a chart's date is when orders failed: incidents have a place only there."""
    return asked.counts_attempts or asked.dated_by in ("first", "failed")


def with_incidents(chart: StackedChart, incidents: IncidentList) -> StackedChart:
    """Mark the lettered incidents on a chart, each over all bars that it touches.

    Those that touch the same bars share a mark.
    """
    starts = [stack.start for stack in chart.stacks]
    marked: dict[tuple[int, int], list[tuple[str, Incident]]] = defaultdict(list)
    for letter, incident in incidents.lettered:
        first = max(0, bisect_right(starts, incident.start) - 1)
        end = max(first + 1, bisect_right(starts, incident.last))
        marked[first, end].append((letter, incident))
    return replace(chart, bands=[_band(*ends, mine) for ends, mine in marked.items()])


def _band(first: int, end: int, marked: list[tuple[str, Incident]]) -> Band:
    letters = [letter for letter, _ in marked]
    is_row = ord(letters[-1]) - ord(letters[0]) == len(letters) - 1 > 1
    called = f"{letters[0]}–{letters[-1]}" if is_row else " ".join(letters)
    titles = [f"{one.signature.title}: {one.orders:,} orders" for _, one in marked]
    return Band(called, "; ".join(titles), first, end)
