"""Filters in words: chips to remove, and the same words for exports."""

from calendar import day_name
from dataclasses import dataclass
from datetime import date

from dashboard.filtering.forms import (
    DATE_NAMES,
    LABEL_NAMES,
    VIEW_NAMES,
    ErrorFilters,
    OrderFilters,
    TrendFilters,
    Values,
)
from dashboard.filtering.periods import PERIODS
from dashboard.filtering.query import Query
from dashboard.wording import full_day, plural
from reconciler import service


@dataclass(frozen=True)
class Chip:
    """One filter that is on: its field and value in words, and the query without it."""

    field: str
    text: str
    without: Query


def chips_of(filters: OrderFilters) -> list[Chip]:
    """List the filters that are on; the view is a tab, not a chip."""
    query, cleaned = filters.query, filters.cleaned
    chips = _chips_without_tabs(filters)
    if cleaned["q"]:
        chips.append(Chip("Text", cleaned["q"], query.without("q")))
    if names := cleaned["order"]:
        text = names[0] if len(names) == 1 else plural(len(names), "name")
        chips.append(Chip("Order", text, query.without("order")))
    values: Values = cleaned["error"]
    templates = service.templates_of([*values.include, *values.exclude])
    for slug in values.include + values.exclude:
        templates.setdefault(slug, f"{slug} (unknown)")
    chips += _chips_of_values(query, "error", "Error", values, templates)
    categories = dict(service.Category.choices)
    chips += _chips_of_values(query, "category", "Category", cleaned["category"], categories)
    chips += _chips_of_values(query, "shop", "Shop", cleaned["shop"], {"none": "no shop"})
    states = dict(service.State.choices)
    chips += _chips_of_values(query, "state", "Status", cleaned["state"], states)
    advice = dict(service.Retry.choices)
    chips += _chips_of_values(query, "retry", "What to do", cleaned["retry"], advice)
    if text := dates_in_words(filters):
        without = query.without("period", "from", "to", "date")
        of_attempts = isinstance(filters, TrendFilters) and filters.of_attempts
        name = "Logged" if of_attempts else DATE_NAMES[filters.date_value]
        chips.append(Chip(name, text, without))
    if at := cleaned["at"]:
        chips.append(Chip("Hour", hour_in_words(*at), query.without("at")))
    return chips


def _chips_without_tabs(filters: OrderFilters) -> list[Chip]:
    """List what /errors/ and /trends/ are filtered by besides: they have no tabs."""
    query, chips = filters.query, []
    if not isinstance(filters, ErrorFilters | TrendFilters):
        return []
    if filters.view_value != "all":
        chips.append(Chip("View", VIEW_NAMES[filters.view_value], query.without("view")))
    if label := filters.cleaned.get("label"):
        chips.append(Chip("Change", LABEL_NAMES[label], query.without("label")))
    return chips


def _chips_of_values(
    query: Query, name: str, field: str, values: Values, texts: dict[str, str]
) -> list[Chip]:
    chips = [Chip(field, texts.get(v, v), query.drop(name, v)) for v in values.include]
    return chips + [
        Chip(f"{field} not", texts.get(v, v), query.drop(name, f"!{v}")) for v in values.exclude
    ]


def dates_in_words(filters: OrderFilters) -> str:
    """Say which days are shown; "" for all."""
    first: date | None = filters.cleaned["from"]
    last: date | None = filters.cleaned["to"]
    if first and last:
        return full_day(first) if first == last else f"{full_day(first)} – {full_day(last)}"
    if first:
        return f"from {full_day(first)}"
    if last:
        return f"until {full_day(last)}"
    period = filters.period_value
    if period == "all":
        return ""
    way = "next" if filters.date_value == "expires" else "last"
    return f"{way} {PERIODS[period][0]}"


def hour_in_words(weekday: int, hour: int) -> str:
    """Name an hour of a weekday (1 = Monday): Tuesday, 13:00–14:00."""
    return f"{day_name[weekday - 1]}, {hour:02d}:00–{hour + 1:02d}:00"


def in_words(filters: OrderFilters) -> str:
    """Say all filters in one line, for the head of an export."""
    # A state given explicitly replaces what a view says of states, and only that.
    narrows = not filters.cleaned["state"] or filters.view_value in ("expiring", "failing")
    words = [f"view {VIEW_NAMES[filters.view_value]}"] if narrows else []
    words += [f"{chip.field.lower()}: {chip.text}" for chip in chips_of(filters)]
    return "; ".join(words) or "none"
