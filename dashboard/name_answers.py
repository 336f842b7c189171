"""What is known of the order names that somebody typed or pasted."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

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
    def are_many(self) -> bool:
        """Return True if too many are missing to say of each where it was looked for."""
        return len(self.misses) >= MANY

    @property
    def handles(self) -> list[str]:
        """Return the shops in whose Shopify admin a missing name may be searched."""
        return [] if self.are_many else service.shop_handles(MOST_SHOPS)


def answers_of(asked: OrderFilter) -> NameAnswers | None:
    """Look up the names that are asked for; None if there are none."""
    answers = service.answers_by_name(list(asked.names))
    return NameAnswers(answers) if answers else None


def looked_up(request: HttpRequest, query: Query) -> str | None:
    """Return where the look-up leads: to the order of that name or page; None to the list.

    Only the look-up opens an order (`open=1`): a filter by a name stays a list. An address that
    somebody pasted is not repeated, since its key opens the order's page to anybody.
    """
    if request.GET.get("open") != "1":
        return None
    written = query.get("order")
    if "/" in written and (url := _by_address(written, query)):
        return url
    form = FilterForm(query, request.user.get_username())
    if not form.is_valid() or len(form.asked.names) != 1:
        return None
    (found,) = service.answers_by_name(list(form.asked.names))
    is_one = found.answer in FOUND and len(found.orders) == 1
    return _order_path(found.orders[0][1]) if is_one else None


def _by_address(text: str, query: Query) -> str | None:
    """Return where a text with an address leads; None if it may stay as it was typed."""
    here = reverse("dashboard:orders")
    host, token = service.order_page(service.without_query(text))
    if not token:
        name = service.without_query(service.mask_keys(text))
        return None if name == text else query.with_("order", name).url(here)
    orders = service.failed_orders().at_page(host, token)
    found = list(orders.values_list("pk", flat=True)[:2])
    return _order_path(found[0]) if len(found) == 1 else query.with_("order", token).url(here)


def _order_path(pk: int) -> str:
    return reverse("dashboard:order", args=[pk])
