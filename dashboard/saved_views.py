"""Saved views: filters and sort of the list under a name, private or shared."""

from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpRequest, QueryDict
from django.urls import reverse

from dashboard.accounts import SHARE_VIEWS, WORK_ON_ORDERS
from dashboard.filtering.chips import in_words
from dashboard.filtering.forms import FilterForm
from dashboard.filtering.query import Query
from dashboard.models import SavedView
from reconciler import service

#: So many a person may have.
MOST_VIEWS = 50
#: So many are shown as tabs, with how many orders they hold; the menu has all.
TABS = 6
#: So many are shown at all: one's own, and those that others share.
MOST_SHOWN = 2 * MOST_VIEWS
#: What of a list's query string is no part of a view.
_NOT_KEPT = ("saved", "page", "pasted")


@dataclass(frozen=True)
class ViewOnPage:
    """A saved view on the list: whether it is open, and whether its filters were changed since."""

    view: SavedView
    url: str
    #: Its filters in words.
    words: str
    #: How many orders it holds; None where it is not counted.
    count: int | None
    is_open: bool
    is_changed: bool
    is_mine: bool
    #: It may be renamed and deleted by whoever looks.
    may_change: bool
    #: The list of whoever looks opens with it.
    is_default: bool = False


def kept(query: Query) -> Query:
    """Return what a view keeps of a list's query."""
    return query.without(*_NOT_KEPT)


def query_of(view: SavedView) -> Query:
    """Return the query of a view, without which view it is."""
    return kept(Query.of(QueryDict(view.query)))


def views_for(user: User) -> QuerySet[SavedView]:
    """Return the views that a person may open: their own, and those that are shared."""
    mine_first = SavedView.objects.filter(Q(owner=user) | Q(shared=True)).select_related("owner")
    return mine_first.order_by("shared", "name", "pk")


def may_change(user: User, view: SavedView) -> bool:
    """Return True for the owner; a shared view may be changed by any Manager."""
    if view.owner_id == user.pk:
        return user.has_perm(WORK_ON_ORDERS)
    return view.shared and user.has_perm(SHARE_VIEWS)


def views_on_page(request: HttpRequest, query: Query, fresh: service.Freshness) -> list[ViewOnPage]:
    """Return the saved views beside a list."""
    user: Any = request.user
    views = list(views_for(user)[:MOST_SHOWN])
    defaults = user.default_views.values_list("pk", flat=True) if views else ()
    shown = [_on_page(view, user, query, fresh, counted=n < TABS) for n, view in enumerate(views)]
    return [replace(one, is_default=one.view.pk in set(defaults)) for one in shown]


def _on_page(
    view: SavedView, user: User, here: Query, fresh: service.Freshness, *, counted: bool
) -> ViewOnPage:
    query = query_of(view)
    is_open = str(view.pk) == here.get("saved")
    form = FilterForm(query, user.get_username())
    valid = form.is_valid()
    return ViewOnPage(
        view=view,
        url=query.with_("saved", str(view.pk)).url(reverse("dashboard:orders")),
        words=_words(form, fresh) if valid else "cannot be read any more",
        count=_count(form, fresh) if valid and counted else None,
        is_open=is_open,
        is_changed=is_open and sorted(kept(here).pairs) != sorted(query.pairs),
        is_mine=view.owner_id == user.pk,
        may_change=may_change(user, view),
    )


def _words(form: FilterForm, fresh: service.Freshness) -> str:
    """Return a view's filters in words; the names of errors are read once a revision."""
    asked, rest = form.asked, (form.query.encode(), form.me)
    orders = service.failed_orders()
    return service.cached(fresh.revision, "view in words", orders, rest, lambda: in_words(asked))


def _count(form: FilterForm, fresh: service.Freshness) -> int:
    orders = form.asked.matching(fresh.now).order_by()
    return service.cached(fresh.revision, "orders", orders, (), orders.count)


def default_url(request: HttpRequest) -> str:
    """Return where /orders/ without a query string leads to; "" where it is the list itself."""
    user: Any = request.user
    # Who may not work on orders any more could not change it.
    if not user.has_perm(WORK_ON_ORDERS):
        return ""
    view = views_for(user).filter(defaults_of=user.pk).first()
    if view is None or not FilterForm(query_of(view), user.get_username()).is_valid():
        return ""
    query = query_of(view).with_("saved", str(view.pk))
    return query.url(reverse("dashboard:orders"))


def view_for(request: HttpRequest, pk: int) -> SavedView | None:
    """Return a view that a person may open; None if there is none of this number."""
    user: Any = request.user
    return views_for(user).filter(pk=pk).first()
