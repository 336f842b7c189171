"""Links that keep the list: URLs made of its query."""

from collections.abc import Callable
from functools import cache

from django.urls import reverse
from django.utils.safestring import SafeString
from markupsafe import escape

from dashboard.filtering.query import Query
from reconciler import service


def with_value(query: Query, path: str, name: str, *values: object) -> str:
    """Return the URL of ``path`` with one name of the query set anew."""
    return query.with_(name, *(str(value) for value in values)).url(path)


def urls_with(query: Query, path: str, name: str) -> Callable[[str], str]:
    """Return what makes the URL of ``path`` with one name of the query set anew."""
    adding = query.without(name).adding(name)
    return lambda value: f"{path}?{adding(value)}"


def links_with(query: Query, path: str, name: str) -> Callable[[str], SafeString]:
    """Return what makes a link's attributes that set one name of the query anew."""
    url = urls_with(query, path, name)
    return cache(lambda value: list_link(url(value)))


def list_link(url: str) -> SafeString:
    """Return the attributes of a link that htmx follows within the list.

    The address of the list alone would lead to one's default view.
    """
    written = escape(f"{url}?view=open" if url == _list_path() else url)
    return SafeString(f'href="{written}" hx-get="{written}"')


def error_link(signature: service.ErrorSignature, query: Query) -> SafeString:
    """Return the attributes of a link to an error's page that carries the list one came from."""
    return SafeString(f'href="{escape(error_url(signature, query))}"')


def error_url(signature: service.ErrorSignature, query: Query) -> str:
    """Return the URL of an error's page that carries the list one came from."""
    return query.without("page").url(f"{reverse('dashboard:errors')}{signature.slug}/")


def order_link(order: service.FailedOrder, query: Query) -> str:
    """Return the URL of an order's page that carries the list one came from."""
    return query.without("page").url(f"{orders_path()}{order.pk}/")


def take_path(query: Query) -> str:
    """Return the address that gives one order of a list to somebody; its number is appended."""
    return f"{query.url(reverse('dashboard:bulk_assign'))}{'&' if query.encode() else '?'}only="


@cache
def _list_path() -> str:
    return reverse("dashboard:orders")


@cache
def orders_path() -> str:
    """Return what stands before the number of an order; `reverse` would be slow for each row."""
    return reverse("dashboard:order", args=[0]).removesuffix("0/")
