"""Counts over time, stacked by category, error or store."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from dashboard.charts import (
    BAR_START,
    HEIGHT,
    X_LABELS,
    bar_label,
    days_url,
    ends_of,
    is_unseen,
    nice,
    short_label,
)
from dashboard.filters import TrendFilters
from dashboard.measures import Link, Measure, linker, names_of
from dashboard.periods import edges_between
from reconciler import service

#: So many errors or stores are stacked; the rest is one more.
MOST_SERIES = 7
OTHER = "other"


@dataclass(frozen=True)
class Series:
    """One colour of a stacked chart: a category, an error or a store."""

    key: str
    label: str
    hue: str
    url: str


@dataclass(frozen=True)
class Stack:
    """What one span holds, per series; ``parts`` are (hue, y, height) to be drawn."""

    start: datetime
    end: datetime
    label: str
    counts: list[int]
    total: int
    x: str
    parts: list[tuple[str, str, str]]
    url: str
    #: Not to be taken for quiet: we could not look.
    unseen: bool


@dataclass(frozen=True)
class PerDay:
    """Counts over time, stacked."""

    unit: str
    series: list[Series]
    stacks: list[Stack]
    top: int
    width: int
    x_labels: list[str]
    outside: int


def per_day(
    filters: TrendFilters,
    measure: Measure,
    signatures: dict[int, service.ErrorSignature],
    shops: dict[str, set[int]],
    total: int,
) -> PerDay | None:
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
    labels = {row.slug: row.plain or row.template for row in signatures.values()}
    series = _series(by, spans, labels, link)
    spans = _with_other(series, spans)
    top = nice(max(sum(span.values()) for span in spans))
    stacks = _stacks(filters, unit, edges, spans, series, top)
    step = -(-len(spans) // X_LABELS)
    return PerDay(
        unit=unit,
        series=series,
        stacks=stacks,
        top=top,
        width=-(-len(spans) // step) * step,
        x_labels=[short_label(start, unit) for start in edges[:-1:step]],
        outside=total - sum(stack.total for stack in stacks),
    )


def _series(
    by: str, spans: list[dict[str, int]], labels: dict[str, str], link: Link
) -> list[Series]:
    """Name what is stacked: categories in their order, else the most frequent and the rest."""
    sums: dict[str, int] = defaultdict(int)
    for span in spans:
        for key, n in span.items():
            sums[key] += n
    if by == "category":
        found = [c for c in service.Category if sums.get(c)]
        return [Series(c.value, str(c.label), c.value, link(by, c.value)) for c in found]
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


def _stacks(
    filters: TrendFilters,
    unit: str,
    edges: list[datetime],
    spans: list[dict[str, int]],
    series: list[Series],
    top: int,
) -> list[Stack]:
    linked = unit != "hour" and not filters.of_attempts
    stacks = []
    for i, (span, start, end) in enumerate(zip(spans, edges, edges[1:], strict=False)):
        counts = [span.get(one.key, 0) for one in series]
        stacks.append(
            Stack(
                start=start,
                end=end,
                label=bar_label(start, unit),
                counts=counts,
                total=sum(counts),
                x=f"{i + BAR_START:g}",
                parts=_parts(series, counts, top),
                url=days_url(filters.orders_query, start, end) if linked else "",
                unseen=is_unseen(filters, start, end),
            )
        )
    return stacks


def _parts(series: list[Series], counts: list[int], top: int) -> list[tuple[str, str, str]]:
    parts, y = [], float(HEIGHT)
    for one, count in zip(series, counts, strict=True):
        height = HEIGHT * count / top
        y -= height
        if count:
            parts.append((one.hue, f"{y:.2f}", f"{height:.2f}"))
    return parts
