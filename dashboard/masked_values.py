"""The table of what an error masks: a SKU, an id, a name, and how many orders have it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dashboard.exports import moment_of
from dashboard.telling import TELLING
from dashboard.wording import KINDS, kinds_in_words
from reconciler.service import FailedOrder, ValueCount

#: So many stand on the page, and so many of these at first.
MOST_SHOWN, AT_FIRST = 500, 8
HEADINGS = (
    "kind",
    "value",
    "orders",
    "not resolved",
    "missing",
    "shops",
    "first attempt (UTC)",
    "last failed (UTC)",
)


def telling_value(order: FailedOrder) -> str:
    """Return the value that an order's error is about, as the query string writes it, or ""."""
    values = list(order.masked_values.order_by("pk").values_list("kind", "text"))
    for kind in TELLING:
        if text := next((text for found, text in values if found == kind), ""):
            return f"{kind}:{text}"
    return ""


@dataclass(frozen=True)
class ValueTable:
    """The masked values of some orders' errors, most orders first."""

    rows: Sequence[ValueCount]
    #: How many there are; the page has the first MOST_SHOWN.
    count: int

    @property
    def title(self) -> str:
        """Return what the values are."""
        return kinds_in_words({row.kind for row in self.rows})

    @property
    def has_kinds(self) -> bool:
        """Return True if there are values of more than one kind."""
        return len({row.kind for row in self.rows}) > 1

    @property
    def first(self) -> Sequence[ValueCount]:
        """Return the rows that are shown at once."""
        return self.rows[:AT_FIRST]

    @property
    def rest(self) -> Sequence[ValueCount]:
        """Return the rows that are shown on request."""
        return self.rows[AT_FIRST:]

    @property
    def left_out(self) -> int:
        """Return how many are only in the CSV."""
        return max(0, self.count - MOST_SHOWN)

    @property
    def most(self) -> int:
        """Return how many orders the first value has."""
        return self.rows[0].orders if self.rows else 0

    @property
    def copied(self) -> str:
        """Return the values that the page has, one a line."""
        return "\n".join(row.text for row in self.rows)

    def lines(self) -> Iterator[tuple[str | int, ...]]:
        """Yield the rows as an export has them, in the order of HEADINGS."""
        for row in self.rows:
            dates = (moment_of(row.first_at), moment_of(row.last_failed_at))
            kind = KINDS.get(row.kind, (row.kind, ""))[0]
            numbers = (row.orders, row.unresolved, row.missing, row.shops)
            yield (kind, row.text, *numbers, *dates)
