"""When nothing matches: which filter is in the way, and the smallest step out."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.dashboard.conftest import Open
from tests.makers import document

pytestmark = pytest.mark.django_db


@pytest.fixture
def three(keep: Any) -> None:
    for n, shop in enumerate(("a.myshopify.com", "a.myshopify.com", "b.myshopify.com")):
        keep(document(f"#{n}", document_id=f"d{n}", error="flat tyre", shop=shop))


def links(open_page: Open, query: str) -> tuple[str, list[str], list[int | None]]:
    state = open_page(f"/orders/?{query}").root.one("div", class_="state")
    found = state.all("a")
    totals = [open_page(a.get("href")).total for a in found]
    return state.one("p").text, [a.text for a in found], totals


def test_the_filter_in_the_way_is_named_and_its_link_leads_to_what_it_promises(
    three: None, open_page: Open
) -> None:
    words, names, totals = links(open_page, "view=all&q=tyre&shop=none.example")
    assert words == "Without “Shop: none.example” there would be 3."
    assert (names, totals) == (["Remove “Shop”", "Clear all filters"], [3, 3])


def test_the_smallest_step_comes_first(three: None, open_page: Open) -> None:
    query = "view=all&shop=a.myshopify.com&order=2"
    words, names, totals = links(open_page, query)
    assert words == "Without “Shop: a.myshopify.com” there would be 1."
    assert (names, totals) == (["Remove “Shop”", "Clear all filters"], [1, 3])


def test_another_view_is_offered_where_it_holds_the_order(three: None, open_page: Open) -> None:
    words, names, totals = links(open_page, "view=expiring&order=1")
    assert words == "In all views there is 1 order."
    assert (names, totals) == (["Look in all orders", "Clear all filters"], [1, 0])


def test_where_no_single_filter_is_in_the_way_it_says_so(three: None, open_page: Open) -> None:
    words, names, _ = links(open_page, "view=all&q=puncture&shop=none.example")
    assert (words, names) == ("No single filter is in the way.", ["Clear all filters"])


def test_a_hundred_filters_are_not_each_tried(three: None, open_page: Open) -> None:
    shops = "&".join(f"shop!=s{n}.example" for n in range(100))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert open_page(f"/orders/?view=all&q=puncture&{shops}").status == 200
    assert len(queries) < 60


def test_several_names_are_one_chip(three: None, open_page: Open) -> None:
    chips = open_page("/orders/?view=all&order=0,1").root.one("ul", class_="chips")
    assert "2 names" in chips.text


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("from=2026-11-03", "from 3 Nov 2026"),
        ("to=2026-11-03", "until 3 Nov 2026"),
        ("from=2026-11-03&to=2026-11-03", "3 Nov 2026"),
        ("from=2026-11-03&to=2026-11-05", "3 Nov 2026 – 5 Nov 2026"),
    ],
)
def test_days_are_one_chip(query: str, text: str, three: None, open_page: Open) -> None:
    chip = open_page(f"/orders/?view=all&{query}").root.one("li", class_="chip")
    assert chip.text.endswith(f" {text}") or f" {text} " in chip.text, chip.text
    assert chip.one("a").get("href").count("2026") == 0
