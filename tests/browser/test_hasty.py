"""Somebody who does not wait for answers, and keys that must do no more than they say."""

import re
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Error, expect

from tests.browser.serving import Pages

LISTS = ("/orders/", "/errors/", "/trends/")
#: Milliseconds that an answer takes.
LAG = 1000


@pytest.fixture
def slow_page(pages: Pages, open_page: Any) -> Any:
    def opened(path: str) -> Any:
        page = open_page(path)
        if path != "/orders/":
            page.locator("#facets > summary").click()
        network = page.context.new_cdp_session(page)
        network.send("Network.enable")
        lag = {"offline": False, "latency": LAG, "downloadThroughput": -1, "uploadThroughput": -1}
        network.send("Network.emulateNetworkConditions", lag)
        return page

    return opened


def held_back(page: Any, address: re.Pattern[str]) -> list[Any]:
    """Hold requests to an address back until they are released."""
    held: list[Any] = []

    def hold(route: Any) -> None:  # playwright asks for a function of Python's
        held.append(route)

    page.route(address, hold)
    return held


def release(held: list[Any]) -> None:
    for route in held:
        with suppress(Error):  # its page may have given it up
            route.continue_()


def assert_both(page: Any, query: str) -> None:
    """The address says what the page shows: the text, and one filter more."""
    page.wait_for_url(f"**?q=shop&{query}")
    expect(page.locator(".chip")).to_have_count(2)
    expect(page.locator("#list")).to_have_count(1)
    expect(page.locator("#q")).to_have_value("shop")


@pytest.mark.parametrize("path", LISTS)
def test_who_types_before_the_answer_to_a_facet_has_both(path: str, slow_page: Any) -> None:
    page = slow_page(path)
    page.locator("[data-facet=category] [data-value]").first.click()
    page.locator("#q").press_sequentially("shop")
    assert_both(page, "category=*")


@pytest.mark.parametrize("path", LISTS)
def test_who_types_before_the_answer_to_a_period_has_both(path: str, slow_page: Any) -> None:
    page = slow_page(path)
    page.select_option("#period", "7d")
    page.locator("#q").press_sequentially("shop")
    assert_both(page, "period=7d")


@pytest.mark.parametrize("path", LISTS)
def test_a_link_takes_along_what_was_just_typed(path: str, slow_page: Any) -> None:
    page = slow_page(path)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator("#q").press_sequentially("shop")
    page.locator("[data-facet=category] [data-value]").first.click()
    assert_both(page, "category=*")
    assert all("q=shop" in url for url in asked if "category=" in url)


@pytest.mark.parametrize("path", LISTS)
def test_letters_typed_just_before_a_list_comes_are_kept(path: str, open_page: Any) -> None:
    page = open_page(path)
    if path != "/orders/":
        page.locator("#facets > summary").click()
    held = held_back(page, re.compile(r"\?category=[a-z_]+$"))
    page.locator("[data-facet=category] [data-value]").first.click()
    page.locator("#q").press_sequentially("shop")
    release(held)
    assert_both(page, "category=*")
    expect(page.locator("#q")).to_be_focused()


def test_a_late_answer_changes_nothing(open_page: Any) -> None:
    page = open_page("/orders/")
    held = held_back(page, re.compile(r"/orders/\?q=shop"))
    with page.expect_request("**/orders/?q=shop*"):
        page.locator("#q").press_sequentially("shop")
    page.locator("#view-resolved").click()
    page.wait_for_url("**/orders/?view=resolved*")
    release(held)
    page.wait_for_timeout(LAG)
    assert "view=resolved" in page.url
    expect(page.locator("#view-resolved")).to_have_attribute("aria-current", "page")
    page.get_by_role("link", name="Clear all", exact=True).click()
    page.wait_for_url("**/orders/?view=resolved")
    expect(page.locator("#q")).to_have_value("")


def test_enter_on_a_box_presses_no_button(open_page: Any) -> None:
    page = open_page("/orders/?view=all")
    box = page.locator("tbody .tick input").nth(2)
    box.check()
    page.keyboard.press("Enter")
    page.wait_for_timeout(200)
    expect(box).to_be_checked()
    expect(page.locator(".toast")).to_have_count(0)


def test_escape_closes_a_menu_and_only_then_unticks(open_page: Any) -> None:
    page = open_page("/orders/?view=all")
    box = page.locator("tbody .tick input").first
    box.check()
    page.locator(".bulk summary", has_text="Note").click()
    page.locator(".bulk button", has_text="Add note").click()  # empty: refused where one is
    page.fill("#bulk-note", "Half a thought")
    page.keyboard.press("Escape")
    expect(page.locator("#bulk-note")).to_be_hidden()
    expect(box).to_be_checked()
    page.locator(".bulk summary", has_text="State").click()
    page.keyboard.press("Escape")
    expect(box).to_be_checked()
    page.locator("#q").press("Escape")
    expect(box).to_be_checked()
    box.press("Escape")
    expect(box).not_to_be_checked()


def test_the_menu_of_columns_is_a_column_and_keeps_the_focus(open_page: Any) -> None:
    page = open_page("/orders/?view=all")
    page.locator("#columns-menu > summary").click()
    sides = page.evaluate(
        "[...document.querySelectorAll('#columns-menu a')].map(a => a.getBoundingClientRect().x)"
    )
    assert len(set(sides)) == 1
    page.locator("#column-created").press("Enter")
    page.wait_for_url("**columns=*")
    expect(page.locator("#column-created")).to_be_focused()


def test_a_bulk_menu_is_whole_on_a_phone(open_page: Any) -> None:
    page = open_page("/orders/?view=all", width=390)
    page.locator("tbody .tick input").first.check()
    for menu in ("Assign", "State", "Note"):
        page.locator(".bulk summary", has_text=menu).click()
        box = page.locator(".bulk .menu[open] .menu__panel").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        page.keyboard.press("Escape")
