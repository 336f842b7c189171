"""Filters in words: chips to remove, and the same words for exports."""

from calendar import day_name
from collections.abc import Callable
from dataclasses import dataclass

from dashboard.filtering.fields import Values
from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.parameter import Parameter
from dashboard.filtering.parameters import DATE_NAMES, LABEL_NAMES, VIEW_NAMES
from dashboard.filtering.periods import OF_CALENDAR, PERIODS
from dashboard.filtering.query import Query
from dashboard.wording import full_day, plural


@dataclass(frozen=True)
class Chip:
    """A filter that is on: its parameter, what people call it, its value, the query without it."""

    name: str
    field: str
    text: str
    without: Query


def chips_of(asked: OrderFilter) -> list[Chip]:
    """Return the filters that are on."""
    chips: list[Chip] = []
    for row in asked.query.parameters:
        if row.repeatable and row.is_filter:
            chips += _of_values(asked, row)
        elif row.name in _WORDS:
            chips += _of_value(asked, row)
    return chips


def _of_values(asked: OrderFilter, row: Parameter) -> list[Chip]:
    values: Values = asked[row.name]
    words = row.words(values.include + values.exclude)
    kept = [
        Chip(row.name, row.label, words.get(value, value), asked.query.drop(row.name, value))
        for value in values.include
    ]
    left_out = [
        Chip(
            row.name,
            f"{row.label} not",
            words.get(value, value),
            asked.query.drop(row.name, f"!{value}"),
        )
        for value in values.exclude
    ]
    return kept + left_out


def _of_value(asked: OrderFilter, row: Parameter) -> list[Chip]:
    text = _WORDS[row.name](asked)
    if not text:
        return []
    if row.name == "period":
        return [Chip(row.name, _date_name(asked), text, asked.query.without(*_DATES))]
    return [Chip(row.name, row.label, text, asked.query.without(row.name))]


def _view(asked: OrderFilter) -> str:
    # On /orders/ the view is a tab; elsewhere it narrows what is counted.
    default = asked.query.parameters.by_name["view"].default
    return VIEW_NAMES[asked.view] if default and asked.view != default else ""


def _names(names: tuple[str, ...]) -> str:
    if len(names) > 1:
        return plural(len(names), "name")
    return names[0] if names else ""


def dates_in_words(asked: OrderFilter) -> str:
    """Return which days are shown; "" for all."""
    first, last = asked.days
    if first and last:
        return full_day(first) if first == last else f"{full_day(first)} – {full_day(last)}"
    if first:
        return f"from {full_day(first)}"
    if last:
        return f"until {full_day(last)}"
    period = asked["period"]
    if period == "all":
        return ""
    if period in OF_CALENDAR:
        return PERIODS[period][0].lower()
    way = "next" if asked.dated_by == "expires" else "last"
    return f"{way} {PERIODS[period][0]}"


def _date_name(asked: OrderFilter) -> str:
    return "Logged" if asked.counts_attempts else DATE_NAMES[asked.dated_by]


def hour_in_words(weekday: int, hour: int) -> str:
    """Name an hour of a weekday (1 = Monday): Tuesday, 13:00–14:00."""
    return f"{day_name[weekday - 1]}, {hour:02d}:00–{hour + 1:02d}:00"


#: Parameters that together make the one chip of dates.
_DATES = ("period", "from", "to", "date")
#: Names that are not repeatable -> the words of their chip; "" for no chip.
_WORDS: dict[str, Callable[[OrderFilter], str]] = {
    "view": _view,
    "q": lambda asked: str(asked["q"]),
    "order": lambda asked: _names(asked["order"]),
    "pasted": lambda asked: _names(asked["pasted"]),
    "period": dates_in_words,
    "at": lambda asked: hour_in_words(*asked["at"]) if asked["at"] else "",
    "label": lambda asked: LABEL_NAMES.get(asked["label"], ""),
}


def in_words(asked: OrderFilter) -> str:
    """Return all filters in one line, for the head of an export."""
    # A state given explicitly replaces the view's condition on the state, and only that.
    narrows = not asked["state"] or asked.view in ("expiring", "failing")
    words = [f"view {VIEW_NAMES[asked.view]}"] if narrows else []
    words += [f"{chip.field.lower()}: {chip.text}" for chip in chips_of(asked)]
    return "; ".join(words) or "none"
