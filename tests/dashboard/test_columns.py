"""The columns that the list shows: said in its address, and so kept by saved views."""

import pytest
from django.test import Client as Browser

from tests.dashboard.conftest import Element, Page
from tests.dashboard.test_saved_views import act, ann, saved  # noqa: F401

pytestmark = pytest.mark.django_db
ALL = {"shop", "attempts", "created", "first", "failed", "expires", "verdict", "state", "assignee"}


def hidden(browser: Browser, url: str) -> set[str]:
    table = Page(browser.get(url)).root.one("table", class_="table orders")
    return set(table.get("data-hidden-columns").split())


def choice(browser: Browser, url: str, column: str) -> Element:
    return Page(browser.get(url)).root.one("a", id=f"column-{column}")


@pytest.mark.parametrize(
    ("written", "left_out"),
    [
        ("", {"created", "first"}),
        ("columns=created", {"first"}),
        ("columns=created&columns=first", set()),
        ("columns=!attempts", {"created", "first", "attempts"}),
        ("columns=!shop&columns=first", {"created", "shop"}),
        # What is shown or hidden anyway changes nothing.
        ("columns=attempts&columns=!created", {"created", "first"}),
        ("columns=!order", {"created", "first"}),
    ],
)
def test_the_address_says_which_are_hidden(
    ann: Browser,  # noqa: F811
    written: str,
    left_out: set[str],
) -> None:
    assert hidden(ann, f"/orders/?view=all&{written}") == left_out
    page = Page(ann.get(f"/orders/?view=all&{written}"))
    assert not page.root.all("li", class_="chip"), "columns are no filter"
    cells = {cell.get("data-column") for cell in page.root.all("td", data_column=...)}  # type: ignore[arg-type]
    assert cells >= ALL, "a hidden column's cells stay for whoever reads the page by program"
    offered = {link.get("id") for link in page.root.all("a", class_="menu__item")}
    assert {f"column-{name}" for name in ALL} <= offered
    assert "column-order" not in offered


@pytest.mark.parametrize("column", sorted(ALL))
def test_a_choice_turns_a_column_over_and_back(ann: Browser, column: str) -> None:  # noqa: F811
    start = "/orders/?view=all&per_page=25"
    before = hidden(ann, start)
    link = choice(ann, start, column)
    assert link.get("aria-label").startswith("Show" if column in before else "Hide")
    assert hidden(ann, link.get("href")) == before ^ {column}
    back = choice(ann, link.get("href"), column).get("href")
    assert hidden(ann, back) == before
    assert "columns" not in back


def test_an_unknown_column_is_told(ann: Browser) -> None:  # noqa: F811
    answer = ann.get("/orders/?columns=colour")
    assert answer.status_code == 400
    assert "One of order, shop" in answer.content.decode()


def test_a_view_keeps_its_columns(ann: Browser) -> None:  # noqa: F811
    opened = saved(ann, "Narrow", "view=all&columns=!shop&columns=created")
    assert hidden(ann, opened) == {"shop", "first"}
    changed = choice(ann, opened, "attempts").get("href")
    assert Page(ann.get(changed)).root.all("i", class_="is-changed")
    act(ann, changed, "update-view")
    tab = Page(ann.get("/orders/?view=all")).root.one("a", data_saved_view=...)  # type: ignore[arg-type]
    assert hidden(ann, tab.get("href")) == {"shop", "first", "attempts"}


def test_other_lists_have_no_columns_to_choose(ann: Browser) -> None:  # noqa: F811
    for path in ("/errors/", "/trends/"):
        answer = ann.get(f"{path}?columns=!shop")
        assert answer.status_code == 200
        links = Page(answer).root.one("main").all("a")
        assert links
        assert not any("columns=" in link.get("href") for link in links)
