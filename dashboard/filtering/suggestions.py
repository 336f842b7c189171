"""When nothing matches: which filter is in the way, and the smallest step out."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from dashboard.filtering.chips import Chip, chips_of
from dashboard.filtering.forms import FilterForm
from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.query import Query
from dashboard.wording import plural

#: Number of filters that are tried; each costs a count.
TRIED = 12


@dataclass(frozen=True)
class Suggestions:
    """A sentence, and links by name; the smallest step first."""

    words: str
    links: list[tuple[str, str]]


def suggestions_for(asked: OrderFilter, now: datetime) -> Suggestions:
    """Count what would match without each of the first filters, and in all orders."""
    path = reverse("dashboard:orders")
    steps = [(_count(chip.without, asked.me, now), chip) for chip in chips_of(asked)[:TRIED]]
    helpful = sorted((step for step in steps if step[0]), key=lambda step: step[0])
    everywhere = asked.query.with_("view", "all")
    in_all = _count(everywhere, asked.me, now) if asked.view != "all" else 0
    links = [(_remove(chip), chip.without.url(path)) for _, chip in helpful[:1]]
    if in_all:
        links.append(("Look in all orders", everywhere.url(path)))
    links.append(("Clear all filters", asked.query.cleared().url(path)))
    words = []
    if helpful:
        count, chip = helpful[0]
        words.append(f"Without “{chip.field}: {chip.text[:80]}” there would be {count:,}.")
    if in_all:
        words.append(
            f"In all views there {'is' if in_all == 1 else 'are'} {plural(in_all, 'order')}."
        )
    return Suggestions(" ".join(words) or "No single filter is in the way.", links)


def _count(query: Query, me: str, now: datetime) -> int:
    form = FilterForm(query, me)
    return form.asked.matching(now).count() if form.is_valid() else 0


def _remove(chip: Chip) -> str:
    return f"Remove “{chip.field}”"
