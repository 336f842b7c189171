"""What trends count over time, by category, error or store."""

from collections import defaultdict

from dashboard.charts.stacked import Series, StackedChart, category_series, ends_of, stacked
from dashboard.filtering.forms import TrendFilters
from dashboard.filtering.periods import edges_between
from dashboard.trends.measures import Link, Measure, linker, names_of
from reconciler import service

#: So many errors or stores are stacked; the rest is one more.
MOST_SERIES = 7
OTHER = "other"


def per_day(
    filters: TrendFilters,
    measure: Measure,
    signatures: dict[int, service.ErrorSignature],
    shops: dict[str, set[int]],
    total: int,
) -> StackedChart | None:
    """Count what is measured per span of the period; None where nothing has such a date."""
    ends = ends_of(filters, filters.matching("dates"))
    if ends is None:
        return None
    unit, edges = edges_between(*ends)
    by, link = filters.by_value, linker(filters)
    kind = "signature" if by != "shop" else measure.shop
    counts = service.counts_between(measure.ever, measure.column, edges, kind)
    name_of = {pk: names[0] for pk, names in names_of(shops).items()}

    def key_of(found: int) -> str:
        if by == "shop":
            return name_of[found]
        return signatures[found].category if by == "category" else signatures[found].slug

    spans: list[dict[str, int]] = [defaultdict(int) for _ in edges[1:]]
    for (span, found), n in counts.items():
        spans[span][key_of(found)] += n
    if by == "category":
        series = category_series(spans, lambda category: link("category", category.value))
    else:
        labels = {row.slug: row.plain or row.template for row in signatures.values()}
        series = _series(by, spans, labels, link)
        spans = _with_other(series, spans)
    query = None if unit == "hour" or filters.of_attempts else filters.orders_query
    return stacked(filters, unit, edges, spans, series, query, total)


def _series(
    by: str, spans: list[dict[str, int]], labels: dict[str, str], link: Link
) -> list[Series]:
    """Name what is stacked: the most frequent, and the rest as one."""
    sums: dict[str, int] = defaultdict(int)
    for span in spans:
        for key, n in span.items():
            sums[key] += n
    keys = sorted(sums, key=lambda key: (-sums[key], key))
    series = [
        Series(key, labels.get(key, key), str(number), link(by, key))
        for number, key in enumerate(keys[:MOST_SERIES], 1)
    ]
    rest = len(keys) - MOST_SERIES
    return [*series, Series(OTHER, f"{rest} others", "8", "")] if rest > 0 else series


def _with_other(series: list[Series], spans: list[dict[str, int]]) -> list[dict[str, int]]:
    named = {one.key for one in series} - {OTHER}
    return [
        {key: n for key, n in span.items() if key in named}
        | {OTHER: sum(n for key, n in span.items() if key not in named)}
        for span in spans
    ]
