"""What an open list is told: the counts of its tabs now, and how many orders failed since."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser

from dashboard.models import SavedView
from tests.clock import NOW
from tests.dashboard.conftest import Element, Open, Page
from tests.makers import document

pytestmark = pytest.mark.django_db
Keep = Callable[..., None]


@pytest.fixture
def after(ledger: list[dict[str, Any]], open_page: Open) -> str:
    """What the list names as its latest attempt, before anything else fails."""
    return marker(open_page("/orders/?view=all"))


def marker(page: Page) -> str:
    found: str = page.root.one("div", data_after_attempt=...).get("data-after-attempt")  # type: ignore[arg-type]
    return found


def more(keep: Keep) -> None:
    """Two new orders, one known that failed again twice, in two shops."""
    here, there = {"host": "a.myshopify.com", "shop_id": "1"}, {"host": "b.myshopify.com"}
    keep(
        document("#9001", document_id="n1", logged=NOW, **here),
        document("#9002", document_id="n2", logged=NOW - timedelta(days=9), **there, shop_id="2"),
        document("#1000", document_id="n3", logged=NOW - timedelta(minutes=2), **here),
        document("#1000", document_id="n4", logged=NOW - timedelta(minutes=1), **here),
    )


def news(browser: Browser, query: str) -> tuple[str | None, dict[str, str]]:
    """Return how many orders are new, and the counts by tab."""
    answer = browser.get(f"/trust/?{query}", headers={"HX-Request": "true"})
    assert answer.status_code == 200
    page = Page(answer)
    page.root.one("div", data_freshness=...)  # type: ignore[arg-type]
    links: list[Element] = page.root.all("a", data_new=...)  # type: ignore[arg-type]
    tabs: list[Element] = page.root.all("li", data_tab=...)  # type: ignore[arg-type]
    number = links[0].get("data-new") if links else None
    return number, {tab.get("data-tab") or "": tab.text for tab in tabs}


def drawn_counts(page: Page) -> dict[str, str]:
    tabs = [tab for tab in page.root.all("a") if (tab.get("class") or "") == "tab"]
    return {tab.get("id") or "": tab.one("span").text for tab in tabs if tab.all("span")}


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("view=all", "3"),
        ("view=open&sort=order&page=2", "3"),
        ("shop=a.myshopify.com", "2"),
        ("period=7d", "2"),
        ("q=%239001", "1"),
        ("category=rate_limit", None),
        ("view=resolved", None),
    ],
)
def test_orders_that_failed_since_are_counted_in_the_list_that_is_open(
    browser: Browser, after: str, keep: Keep, query: str, number: str | None
) -> None:
    assert news(browser, f"{query}&after_attempt={after}")[0] is None
    more(keep)
    assert news(browser, f"{query}&after_attempt={after}")[0] == number


def test_the_counts_are_those_that_the_list_would_show(
    browser: Browser, after: str, keep: Keep, open_page: Open, django_user_model: Any
) -> None:
    me = django_user_model.objects.get(pk=browser.session["_auth_user_id"])
    SavedView.objects.create(owner=me, name="One", query="shop=a.myshopify.com", at=NOW)
    before = drawn_counts(open_page("/orders/?shop=a.myshopify.com"))
    more(keep)
    page = open_page("/orders/?shop=a.myshopify.com")
    counts = news(browser, f"shop=a.myshopify.com&after_attempt={after}")[1]
    assert counts == drawn_counts(page) != before
    assert any(tab.startswith("saved-") for tab in counts)


def test_a_list_drawn_anew_has_shown_them(
    browser: Browser, after: str, keep: Keep, open_page: Open
) -> None:
    more(keep)
    assert news(browser, f"view=all&after_attempt={marker(open_page('/orders/'))}")[0] is None


@pytest.mark.parametrize(
    "query",
    [
        "",
        "view=all",
        "after_attempt=",
        "after_attempt=x",
        "after_attempt=-1",
        "after_attempt=٣",
        "after_attempt=" + "9" * 19,
        "after_attempt=1&from=2026-02-31",
    ],
)
def test_without_a_list_or_with_one_that_cannot_be_read_there_are_no_news(
    browser: Browser, ledger: list[dict[str, Any]], query: str
) -> None:
    assert news(browser, query) == (None, {})


def test_the_link_leads_to_the_first_page_of_the_same_list(
    browser: Browser, after: str, keep: Keep
) -> None:
    more(keep)
    page = Page(browser.get(f"/trust/?view=all&sort=order&page=3&after_attempt={after}"))
    link = page.root.one("a", data_new=...)  # type: ignore[arg-type]
    assert link.get("href") == "/orders/?view=all&sort=order"


def test_a_state_that_is_filtered_does_not_change_the_tabs(
    browser: Browser, after: str, keep: Keep, open_page: Open
) -> None:
    more(keep)
    counts = news(browser, f"state=resolved&after_attempt={after}")[1]
    assert counts == drawn_counts(open_page("/orders/?state=resolved"))
    assert counts["view-all"] != "0"
