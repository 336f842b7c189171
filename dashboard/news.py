"""What an open list does not show yet: the counts of its tabs now, and orders that failed since."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from dashboard.filtering.parameters import ORDERS
from dashboard.filtering.query import Query
from dashboard.list_page import filter_form
from dashboard.saved_views import TABS, views_on_page
from reconciler import service
from reconciler.service import Freshness

#: The parameter that names the latest attempt which a page has seen. It is no filter.
AFTER = "after_attempt"
#: More digits than these are no primary key.
_LONGEST = 18


@dataclass(frozen=True)
class News:
    """What changed since a list was drawn. ``counts`` are by the id of a tab."""

    counts: dict[str, int]
    failed_since: int
    url: str


def news_of(request: HttpRequest, fresh: Freshness) -> News | None:
    """Return the news for the list of the query string; None if no list asks for them."""
    after = request.GET.get(AFTER, "")
    if not (after.isascii() and after.isdecimal() and len(after) <= _LONGEST):
        return None
    form = filter_form(request, Query.of(request.GET, ORDERS))
    if not form.is_valid():
        return None
    asked = form.asked
    everything = asked.matching(fresh.now, "view", "state")
    views = service.per_view(everything, fresh.now, fresh.revision, asked.me)
    counts = {f"view-{view}": count for view, count in views.by_view.items()}
    for saved in views_on_page(request, asked.query, fresh)[:TABS]:
        if saved.count is not None:
            counts[f"saved-{saved.view.pk}"] = saved.count
    since = asked.matching(fresh.now).failed_after(int(after)).count()
    return News(counts, since, asked.query.without("page").url(reverse("dashboard:orders")))
