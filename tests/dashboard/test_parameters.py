"""A new filter is one row and one method: then form, chip, facet, URL, export and API know it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client as Browser
from django.urls import include, path

from dashboard import urls
from dashboard.filtering.fields import ValuesField
from dashboard.filtering.forms import FilterForm
from dashboard.filtering.parameter import Parameter, Parameters
from dashboard.filtering.parameters import ORDERS, choices
from dashboard.filtering.query import Query
from dashboard.views import api, exports
from dashboard.views import orders as pages
from reconciler.service import Facet, FailedOrderQuerySet, by_choices
from tests.clock import NOW
from tests.dashboard.conftest import Open
from tests.makers import document

TRIES = {"1": "Once", "2": "Twice"}


def tried(
    orders: FailedOrderQuerySet, values: list[str], *, exclude: bool = False
) -> FailedOrderQuerySet:
    """The query method."""
    counts = {"attempt_count__in": [int(value) for value in values]}
    return orders.exclude(**counts) if exclude else orders.filter(**counts)


#: The row.
ROW = Parameter(
    "tries",
    "Tries",
    lambda: ValuesField(TRIES),
    repeatable=True,
    carried=True,
    method=tried,
    facet=Facet("Tries", "attempt_count", by_choices({1: "Once", 2: "Twice"})),
    words=choices(TRIES),
)
WITH_ROW = Parameters((*ORDERS.rows[:-3], ROW, *ORDERS.rows[-3:]))
made_up = [
    path("orders/", pages.orders, {"parameters": WITH_ROW}),
    path("orders/export.csv", exports.export_csv, {"parameters": WITH_ROW}),
    path("api/orders", api.orders, {"parameters": WITH_ROW}),
]
urlpatterns = [path("", include(([*made_up, *urls.urlpatterns], "dashboard")))]


@pytest.fixture(autouse=True)
def three_orders(keep: Callable[..., None], settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    twice = [document("#2", document_id=f"d{n}", logged=NOW) for n in "ab"]
    keep(
        document("#1"), document("#3"), twice[0], {**twice[1], "timestamp": "2026-01-01T00:00:00Z"}
    )


def test_the_url_narrows_the_list_and_the_form_carries_it_along(open_page: Open) -> None:
    page = open_page("/orders/?tries=2")
    assert page.names == ["#2"]
    assert page.root.one("input", name="tries").get("value") == "2"
    assert sorted(open_page("/orders/?tries=!2").names) == ["#1", "#3"]
    assert sorted(open_page("/orders/?tries=1&tries=2").names) == ["#1", "#2", "#3"]


def test_a_value_that_does_not_exist_is_told(open_page: Open) -> None:
    page = open_page("/orders/?tries=7")
    assert page.status == 400
    assert page.root.one(id_="tries-error").text.endswith("One of 1, 2.")


def test_it_has_a_chip_that_removes_it(open_page: Open) -> None:
    (chip,) = open_page("/orders/?tries=!1").root.all("li", class_="chip")
    assert chip.text.startswith("Tries not Once")
    assert open_page(chip.one("a").get("href")).total == 3


def test_it_is_a_facet_that_counts_without_its_own_choice(open_page: Open) -> None:
    facet = open_page("/orders/?tries=2").root.one(data_facet="tries")
    values = facet.all("a", data_value=...)  # type: ignore[arg-type]
    assert [(v.get("data-value"), v.get("data-count")) for v in values] == [("1", "2"), ("2", "1")]
    assert open_page(values[0].get("href")).total == 3  # once or twice


def test_the_export_and_the_api_know_it(browser: Browser) -> None:
    lines = b"".join(browser.get("/orders/export.csv?meta=1&tries=2").streaming_content)  # type: ignore[attr-defined]
    assert b"tries: Twice" in lines
    assert b"Rows,1\r\n" in lines
    assert browser.get("/api/orders?tries=2").json()["total"] == 1


def test_links_write_it_in_its_place() -> None:
    query = Query([("sort", "order"), ("tries", "2")], WITH_ROW).with_("q", "x")
    assert query.encode() == "q=x&tries=2&sort=order"
    assert FilterForm(query).is_valid()
    assert query.cleared().encode() == "sort=order"


@pytest.mark.parametrize("row", tuple(ORDERS), ids=lambda row: row.name)
def test_every_row_says_what_it_is(row: Parameter) -> None:
    assert row.label
    assert not row.facet or (row.repeatable and row.method)


@pytest.mark.parametrize(
    "written",
    ["", "q=a%26b", "error=x&error=!y&shop=s&page=3", "view=all&q=é&period=30d&sort=order"],
)
@pytest.mark.parametrize("name", ["error", "category", "shop", "retry"])
def test_a_value_added_to_many_is_the_value_added_to_one(name: str, written: str) -> None:
    query = Query.of(QueryDict(written))
    for value in ("new", "!new", "a b&c=d", "é"):
        expected = query.with_(name, *query.values(name), value)
        assert query.adding(name)(value) == expected.encode()
