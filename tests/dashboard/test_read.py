"""A query string that is read: what each value means, and how it is said in words."""

from typing import Any

import pytest
from django.http import QueryDict

from dashboard.filtering.chips import chips_of, hour_in_words, in_words
from dashboard.filtering.forms import FilterForm
from dashboard.filtering.order_filter import OrderFilter
from dashboard.filtering.parameter import Parameters
from dashboard.filtering.parameters import ERRORS, ORDERS, TRENDS
from dashboard.filtering.query import Query
from tests.dashboard.conftest import Open


def form(text: str, parameters: Parameters = ORDERS) -> FilterForm:
    return FilterForm(Query.of(QueryDict(text), parameters))


def read(text: str, parameters: Parameters = ORDERS) -> OrderFilter:
    asked = form(text, parameters)
    assert asked.is_valid(), asked.errors
    return asked.asked


CHIPS: list[tuple[str, list[tuple[str, str]]]] = [
    ("", []),
    ("q=flat+tyre", [("Text", "flat tyre")]),
    ("order=%231", [("Order", "#1")]),
    ("order=%231,%232", [("Order", "2 names")]),
    (
        "category=mapping&category=!database",
        [("Category", "Mapping"), ("Category not", "Database")],
    ),
    ("shop=none&shop=!a.b", [("Shop", "no shop"), ("Shop not", "a.b")]),
    ("period=7d", [("Last failed", "last 7 days")]),
    ("period=7d&date=expires", [("Expires", "next 7 days")]),
    ("period=this_week&date=expires", [("Expires", "this week")]),
    ("period=yesterday&date=created", [("Created", "yesterday")]),
    ("from=2026-11-20&date=first", [("First attempt", "from 20 Nov 2026")]),
    ("to=2026-11-20", [("Last failed", "until 20 Nov 2026")]),
    ("from=2026-11-20&to=2026-11-20", [("Last failed", "20 Nov 2026")]),
    ("from=2026-11-20&to=2026-11-21&period=7d", [("Last failed", "20 Nov 2026 – 21 Nov 2026")]),
    ("at=mon-00", [("Hour", "Monday, 00:00–01:00")]),
    ("at=sun-23", [("Hour", "Sunday, 23:00–24:00")]),
]


@pytest.mark.parametrize(("text", "expected"), CHIPS)
def test_each_filter_is_said_by_one_chip(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(chip.field, chip.text) for chip in chips_of(read(text))] == expected


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("q=a&from=2026-11-20&to=2026-11-21&date=first&period=7d&page=2", "q=a"),
        ("q=a&period=7d&date=created&at=mon-00", "q=a&at=mon-00"),
    ],
)
def test_the_chip_of_dates_takes_all_that_concerns_them_away(text: str, left: str) -> None:
    (chip,) = [chip for chip in chips_of(read(text)) if chip.name == "period"]
    assert chip.without.encode() == left


@pytest.mark.parametrize(
    ("text", "parameters", "expected"),
    [
        ("view=open", ERRORS, [("View", "Open")]),
        ("view=all", ERRORS, []),
        ("view=open", ORDERS, []),
        ("label=new&period=7d", ERRORS, [("Last failed", "last 7 days"), ("Label", "New")]),
        ("count=attempts&period=7d", TRENDS, [("Logged", "last 7 days")]),
        ("period=7d", TRENDS, [("First attempt", "last 7 days")]),
    ],
)
def test_a_page_that_counts_says_what_it_counts(
    text: str, parameters: Parameters, expected: list[tuple[str, str]]
) -> None:
    assert [(c.field, c.text) for c in chips_of(read(text, parameters))] == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "view Open"),
        ("order=1", "view All; order: 1"),
        ("view=all&q=a", "view All; text: a"),
        ("state=open", "status: Open"),
        ("view=needs&state=open", "status: Open"),
        ("view=failing&state=open", "view Failing again; status: Open"),
        ("view=expiring&state=!open", "view Expiring soon; status not: Open"),
    ],
)
def test_all_filters_are_said_in_one_line(text: str, words: str) -> None:
    assert in_words(read(text)) == words


@pytest.mark.parametrize(
    ("text", "depends"),
    [
        ("", False),
        ("period=7d", False),
        ("period=24h", True),
        ("period=24h&from=2026-11-20", False),
        ("period=24h&to=2026-11-20", False),
        ("view=expiring", True),
        ("view=failing", True),
        ("view=needs", False),
        ("date=expires", True),
        ("date=created", False),
    ],
)
def test_only_some_filters_change_from_second_to_second(text: str, depends: bool) -> None:
    assert read(text).depends_on_now is depends


READ: list[tuple[str, str, Any]] = [
    ("page=0009", "page", 9),
    ("page=999999999", "page", 999_999_999),
    ("page=1000000000", "page", 10**9),
    ("page=0001000000000", "page", 10**9),
    ("at=mon-00", "at", (1, 0)),
    ("at=+sun-23+", "at", (7, 23)),
    ("order=%23,%23%23,a,a,b", "order", ("a", "b")),
    ("", "view", "open"),
    ("order=1", "view", "all"),
    ("", "sort", "-failed"),
    ("view=expiring", "sort", "expires"),
]


@pytest.mark.parametrize(("text", "name", "value"), READ)
def test_a_value_is_read(text: str, name: str, value: Any) -> None:
    assert read(text)[name] == value


REFUSED: list[tuple[str, str, str]] = [
    ("from=2026-02-29", "from", "February 2026 has 28 days. Write a day as 2026-02-28."),
    ("from=2028-02-30", "from", "February 2028 has 29 days. Write a day as 2028-02-29."),
    ("from=2026-12-32", "from", "December has 31 days. Write a day as 2026-12-31."),
    ("from=2026-01-32", "from", "January has 31 days. Write a day as 2026-01-31."),
    ("from=2026-13-01", "from", "There is no such day. Write a day as 2026-11-30."),
    ("from=2026-00-01", "from", "There is no such day. Write a day as 2026-11-30."),
    ("from=2026-11-00", "from", "There is no such day. Write a day as 2026-11-30."),
    ("at=xxx-13", "at", "Write a weekday and an hour as tue-13."),
    ("at=tue-24", "at", "Write a weekday and an hour as tue-13."),
    ("page=٣", "page", "A page is a whole number of at least 1."),
    ("page=000", "page", "A page is a whole number of at least 1."),
    ("per_page=7", "per_page", "One of 25, 50, 100, 200."),
    (
        "view=ours",
        "view",
        "One of open, mine, missing, expiring, failing, needs, resolved, all.",
    ),
    (f"shop={'x' * 201}", "shop", "At most 200 characters."),
    (f"q={'x' * 501}", "q", "At most 500 characters."),
]


@pytest.mark.parametrize(("text", "name", "words"), REFUSED)
def test_what_cannot_be_read_is_told_in_words(text: str, name: str, words: str) -> None:
    assert form(text).errors == {name: [words]}


@pytest.mark.parametrize("text", [f"shop={'x' * 200}", f"q={'x' * 500}", f"order={'x' * 65_536}"])
def test_a_value_as_long_as_may_be_is_read(text: str) -> None:
    assert form(text).is_valid()


@pytest.mark.parametrize("weekday", range(1, 8))
def test_an_hour_is_named_by_its_own_weekday(weekday: int) -> None:
    days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    assert hour_in_words(weekday, 9) == f"{days[weekday - 1]}, 09:00–10:00"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("from=2026-02-31", "February 2026 has 28 days"),
        ("to=soon", "Write a day as"),
        ("period=1y", "One of"),
        ("page=x", "A page is a whole number"),
    ],
)
@pytest.mark.parametrize("path", ["/orders/", "/errors/", "/trends/"])
def test_a_filter_that_cannot_be_read_is_told_once_with_menus_closed(
    path: str, query: str, words: str, open_page: Open, quiet: None
) -> None:
    if path == "/trends/" and "page" in query:
        return
    page = open_page(f"{path}?{query}")
    menus = [menu for menu in page.root.all("details") if menu.get("class") == "menu"]
    assert not any("open" in menu.attributes for menu in menus)
    hidden = sum(menu.text.count(words) for menu in menus)
    assert page.root.one("main").text.count(words) - hidden == 1
