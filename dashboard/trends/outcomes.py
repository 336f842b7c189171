"""What became of the failed orders of a period, and how many were not resolved day by day."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from dashboard.charts.scale import Scale, scale_of
from dashboard.charts.sparklines import SmallBar, small_bar
from dashboard.charts.stacked import bar_label, ends_of
from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.parameters import ARRIVAL_NAMES, VERDICTS
from dashboard.filtering.periods import edges_between
from dashboard.wording import local
from reconciler import service
from reconciler.service import Freshness

#: The order in which verdicts are told.
_TOLD = ("imported", "duplicate", "missing", "unconfirmed", "unchecked")
#: Rows in the table of who resolved.
MOST_RESOLVERS = 8


@dataclass(frozen=True)
class OutcomeRow:
    """Some of the orders, with a bar up to 100."""

    key: str
    label: str
    now: int
    url: str
    size: float
    #: Class of the bar.
    hue: str = "age"
    #: Percentiles that lie in it.
    note: str = ""
    #: Median of the whole minutes that it took; None where nothing was measured.
    minutes: int | None = None


@dataclass(frozen=True)
class Became:
    """What became of the orders that match; ``before`` of those of the period before."""

    outcomes: service.Outcomes
    before: service.Outcomes | None
    verdicts: list[OutcomeRow]
    missing_url: str
    arrivals: list[OutcomeRow]
    resolvers: list[OutcomeRow]
    #: Orders resolved by those who are not named.
    by_others: int
    #: Empty where no state ever changed: then nothing is known but that they failed.
    backlog: list[SmallBar]
    scale: Scale
    unit: str


def became_of(
    asked: OrderFilter,
    fresh: Freshness,
    earlier: service.FailedOrderQuerySet | None,
    link: Callable[[str, str], str],
) -> Became:
    """Count what became of the orders that match; ``earlier`` are those of the period before."""
    orders = asked.matching(fresh.now)
    outcomes = _outcomes(orders, fresh)
    verdicts = _rows(
        [(key, VERDICTS[key], outcomes.verdicts[key]) for key in _TOLD],
        lambda key: link("verdict", key),
    )
    unit, counted = _backlog(asked, fresh)
    # No bar is cut off: a backlog that grows is no outlier.
    scale = scale_of([max((n for _, n in counted), default=0)])
    bars = [
        small_bar(ends, bar_label(ends[0], unit), n, scale.top, fresh.now) for ends, n in counted
    ]
    # Who resolved an order is not known where that was before it was noted.
    named = [one for one in outcomes.resolvers if one.actor][:MOST_RESOLVERS]
    return Became(
        outcomes,
        None if earlier is None else _outcomes(earlier, fresh),
        verdicts,
        next(row.url for row in verdicts if row.key == "missing"),
        _arrivals(asked, outcomes, link),
        _resolvers(named, link),
        outcomes.resolved - sum(one.orders for one in named),
        bars,
        scale,
        unit,
    )


def _outcomes(orders: service.FailedOrderQuerySet, fresh: Freshness) -> service.Outcomes:
    count = partial(service.outcomes_of, orders, fresh.now)
    # An ignored order is open again on its day, so the figure holds for one day.
    today = local(fresh.now).date()
    return service.cached(fresh.revision, "outcomes and open", orders, today, count)


def _rows(counted: list[tuple[str, str, int]], link: Callable[[str], str]) -> list[OutcomeRow]:
    """Make rows of keys, labels and counts; a row of nothing leads nowhere."""
    most = max((n for _, _, n in counted), default=0) or 1
    return [
        OutcomeRow(key, label, n, link(key) if n else "", 100 * n / most)
        for key, label, n in counted
    ]


def _arrivals(
    asked: OrderFilter, outcomes: service.Outcomes, link: Callable[[str, str], str]
) -> list[OutcomeRow]:
    """Return a row a span of the time to arrival, and last what is open now."""
    notes: dict[str, list[str]] = defaultdict(list)
    for minutes, words in ((outcomes.p50, "median"), (outcomes.p90, "9 in 10")):
        if minutes is not None:
            notes[service.span_of(minutes)].append(words)

    def leads_to(key: str) -> str:
        if key != "open":
            return link("arrived", key)
        # With a view or a state chosen, the open orders of it have no list of their own.
        is_narrowed = asked["view"] != "all" or asked["state"]
        return "" if is_narrowed else link("view", "open")

    counted = [(key, words, outcomes.arrivals[key]) for key, words in ARRIVAL_NAMES.items()]
    rows = _rows([*counted, ("open", "still open", outcomes.still_open)], leads_to)
    told = [replace(row, note=", ".join(notes[row.key])) for row in rows]
    return [*told[:-1], replace(told[-1], hue="still-open")]


def _resolvers(
    resolvers: list[service.Resolver], link: Callable[[str, str], str]
) -> list[OutcomeRow]:
    rows = _rows(
        [(one.actor, one.actor, one.orders) for one in resolvers],
        lambda actor: link("resolved_by", actor),
    )
    return [
        replace(row, minutes=one.median, hue="is-less" if one.actor == service.SYSTEM else "age")
        for row, one in zip(rows, resolvers, strict=True)
    ]


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
    since, numbers = service.cached(fresh.revision, "backlog", undated, edges, count)
    if since is None:
        return "", []
    return unit, [
        ((start, end), n)
        for start, end, n in zip(edges, edges[1:], numbers, strict=False)
        if end > since and start <= fresh.now
    ]
