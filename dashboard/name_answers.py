"""What is known of the order names that somebody typed or pasted."""

from dataclasses import dataclass

from django.http import HttpRequest

from dashboard.filtering.forms import FilterForm
from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.query import Query
from reconciler import service
from reconciler.service import NameAnswer

#: With so many missing names or more it is not offered to search each of them in Shopify, and
#: otherwise in so many shops.
MANY, MOST_SHOPS = 4, 4
#: So many names that were found are shown at once.
MOST_HITS = 6
FOUND = ("found", "in_log")


@dataclass(frozen=True)
class NameAnswers:
    """The answers by name, each in the order typed."""

    answers: list[NameAnswer]

    @property
    def count(self) -> int:
        """Return how many names were asked for."""
        return len(self.answers)

    @property
    def hits(self) -> list[NameAnswer]:
        """Return those of orders that failed."""
        return [one for one in self.answers if one.answer in FOUND]

    @property
    def misses(self) -> list[NameAnswer]:
        """Return the others."""
        return [one for one in self.answers if one.answer not in FOUND]

    @property
    def is_folded(self) -> bool:
        """Return True if those that were found are shown on request only."""
        return len(self.hits) > MOST_HITS

    @property
    def missing_names(self) -> str:
        """Return the names without a failure on record, one a line."""
        return "\n".join(one.name for one in self.misses)

    @property
    def handles(self) -> list[str]:
        """Return the shops in whose Shopify admin a missing name may be searched."""
        return service.shop_handles(MOST_SHOPS) if len(self.misses) < MANY else []


def answers_of(asked: OrderFilter) -> NameAnswers | None:
    """Look up the names that are asked for; None if there are none."""
    answers = service.answers_by_name(list(asked.names))
    return NameAnswers(answers) if answers else None


def order_looked_up(request: HttpRequest, query: Query) -> int | None:
    """Return the order that the look-up of one name opens; None if it leads to the list.

    Only the look-up opens it (`open=1`): a filter by a name stays a list.
    """
    if request.GET.get("open") != "1":
        return None
    form = FilterForm(query, request.user.get_username())
    if not form.is_valid() or len(form.asked.names) != 1:
        return None
    (found,) = service.answers_by_name(list(form.asked.names))
    is_one = found.answer in FOUND and len(found.orders) == 1
    return found.orders[0][1] if is_one else None
