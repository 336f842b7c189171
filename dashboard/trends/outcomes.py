"""What became of the failed orders of a period, and how many were not resolved day by day."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from dashboard.charts.scale import Scale, scale_of
from dashboard.charts.sparklines import SmallBar, small_bar
from dashboard.charts.stacked import bar_label, ends_of
from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.parameters import VERDICTS
from dashboard.filtering.periods import edges_between
from dashboard.wording import span
from reconciler import service
from reconciler.service import Freshness

#: The order in which verdicts are told.
_TOLD = ("imported", "duplicate", "missing", "unconfirmed", "unchecked")


@dataclass(frozen=True)
class VerdictRow:
    """Orders of a verdict, with a bar up to 100."""

    key: str
    label: str
    now: int
    url: str
    size: float


@dataclass(frozen=True)
class Became:
    """What became of the orders that match."""

    outcomes: service.Outcomes
    verdicts: list[VerdictRow]
    missing_url: str
    #: Empty where no state ever changed: then nothing is known but that they failed.
    backlog: list[SmallBar]
    scale: Scale
    unit: str

    @property
    def resolved(self) -> int:
        """Return how many orders are resolved."""
        return self.outcomes.resolved_by_program + self.outcomes.resolved_by_people

    @property
    def asked_words(self) -> str:
        """Return of how many orders it is known whether they are missing."""
        return f"of {self.outcomes.asked:,} asked about"

    @property
    def arrived_per_cent(self) -> int:
        """Return the share of the orders asked about that are in the OMS."""
        return round(100 * self.outcomes.arrived / self.outcomes.asked)

    @property
    def arrival_words(self) -> str:
        """Return how long it took, as far as that was measured."""
        p50 = self.outcomes.p50
        return "" if p50 is None else f"median {span(timedelta(minutes=p50))} after failing"


def became_of(asked: OrderFilter, fresh: Freshness, link: Callable[[str, str], str]) -> Became:
    """Count what became of the orders that match."""
    orders = asked.matching(fresh.now)
    count = partial(service.outcomes_of, orders)
    outcomes = service.cached(fresh.revision, "outcomes", orders.order_by(), (), count)
    most = max(outcomes.verdicts.values(), default=0) or 1
    rows = [
        VerdictRow(key, VERDICTS[key], n, link("verdict", key) if n else "", 100 * n / most)
        for key in _TOLD
        for n in (outcomes.verdicts[key],)
    ]
    unit, counted = _backlog(asked, fresh)
    # No bar is cut off: a backlog that grows is no outlier.
    scale = scale_of([max((n for _, n in counted), default=0)])
    bars = [
        small_bar(ends, bar_label(ends[0], unit), n, scale.top, fresh.now) for ends, n in counted
    ]
    missing = next(row.url for row in rows if row.key == "missing")
    return Became(outcomes, rows, missing, bars, scale, unit)


def _backlog(
    asked: OrderFilter, fresh: Freshness
) -> tuple[str, list[tuple[tuple[datetime, datetime], int]]]:
    """Count what was not resolved at the end of each span that is over, since states are known."""
    undated = asked.matching(fresh.now, "view", "state", "verdict", "dates")
    ends = ends_of(asked, fresh, undated)
    if ends is None:
        return "", []
    unit, edges = edges_between(*ends)
    count = partial(service.backlog, undated, edges)
    since, numbers = service.cached(fresh.revision, "backlog", undated.order_by(), edges, count)
    if since is None:
        return "", []
    return unit, [
        ((start, end), n)
        for start, end, n in zip(edges, edges[1:], numbers, strict=False)
        if end > since and start <= fresh.now
    ]
