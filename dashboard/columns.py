"""The menu of columns of /orders/: which are shown, and the links that show or hide one."""

from dataclasses import dataclass

from dashboard.filtering.parameters import COLUMN_NAMES, EXTRA_COLUMNS, FIXED_COLUMNS
from dashboard.filtering.query import Query


@dataclass(frozen=True)
class ColumnChoice:
    """A column that may be hidden."""

    name: str
    label: str
    is_shown: bool
    #: Query of the list with the column shown where it is hidden, and the other way round.
    other: Query


def columns_of(query: Query) -> list[ColumnChoice]:
    """Return the columns that may be hidden, in the order of the table."""
    written = query.values("columns")
    choices = []
    for name, label in COLUMN_NAMES.items():
        if name in FIXED_COLUMNS:
            continue
        value = name if name in EXTRA_COLUMNS else f"!{name}"
        is_shown = (value in written) == (name in EXTRA_COLUMNS)
        # Hiding a column is no reason to go back to the first page.
        other = query.toggle("columns", value).with_("page", query.get("page"))
        choices.append(ColumnChoice(name, label, is_shown, other))
    return choices
