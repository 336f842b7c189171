"""When nothing matches: which filter is in the way, and the smallest step out."""

from dataclasses import dataclass

from django.urls import reverse

from dashboard.filtering.chips import Chip, chips_of
from dashboard.filtering.forms import OrderFilters, read_filters
from dashboard.filtering.query import FILTERS, Query
from dashboard.wording import plural


@dataclass(frozen=True)
class WaysOut:
    """A sentence, and links by name; the smallest step first."""

    words: str
    links: list[tuple[str, str]]


def ways_out(filters: OrderFilters) -> WaysOut:
    """Try each filter: would its removal show anything? Then all statuses, then everything."""
    path = reverse("dashboard:orders")
    steps = [(_count(chip.without), chip) for chip in chips_of(filters)]
    helpful = sorted((step for step in steps if step[0]), key=lambda step: step[0])
    everywhere = filters.query.with_("view", "all")
    in_all = _count(everywhere) if filters.view_value != "all" else 0
    links = [(_remove(chip), chip.without.url(path)) for _, chip in helpful[:1]]
    if in_all:
        links.append(("Look in all orders", everywhere.url(path)))
    links.append(("Clear all filters", filters.query.without(*FILTERS).url(path)))
    words = []
    if helpful:
        count, chip = helpful[0]
        words.append(f"Without “{chip.field}: {chip.text[:80]}” there would be {count:,}.")
    if in_all:
        words.append(
            f"In all views there {'is' if in_all == 1 else 'are'} {plural(in_all, 'order')}."
        )
    return WaysOut(" ".join(words) or "No single filter is in the way.", links)


def _count(query: Query) -> int:
    filters = read_filters(query)
    return filters.matching().count() if filters.is_valid() else 0


def _remove(chip: Chip) -> str:
    return f"Remove “{chip.field}”"
