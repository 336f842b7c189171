"""The whole task in a real browser: find, take, note, import again, and see it resolved by itself."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.axe import assert_nothing_found
from tests.browser.serving import CHROMIUM, Pages, Site, site_of
from tests.conftest import missing
from tests.shared import manage


@pytest.fixture(scope="module")
def work(chromium: Any) -> Iterator[Site]:
    """A site of its own: what is done here changes it."""
    if not CHROMIUM:
        missing("Debian's chromium is needed for the tests in a browser")
    with site_of(300) as served:
        manage(served.environment, "verdicts")
        yield served


@pytest.fixture(scope="module")
def pages(chromium: Any, work: Site) -> Pages:
    return Pages(chromium, work.url)


MISSING = "/orders/?view=missing&category=connection&category=database&category=payment"


def rows(page: Any) -> Any:
    return page.locator("tr[data-order-id]")


def test_from_the_list_to_an_order_that_is_resolved_by_itself(open_page: Any) -> None:
    page = open_page(MISSING)
    name = rows(page).first.get_attribute("data-order-name")
    rows(page).first.locator(".order-name").click()
    expect(page.locator(".now__sentence")).to_contain_text("Not in HotWax")
    page.get_by_role("button", name="Take it").click()
    expect(page.locator(".toast")).to_contain_text("1 order given to agent.")
    page.fill("#note", "Shopify was down; it is up **again**.")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".timeline .is-note strong")).to_have_text("again")
    order = page.url
    page.get_by_role("button", name="Re-import pack").click()
    expect(page.locator("[data-names]")).to_have_text(name)
    pack = page.url
    page.get_by_role("button", name="I imported this").click()
    expect(page.locator(".outcome")).to_contain_text("Being imported")
    # The screen of the demo, to which the pack leads.
    screen = page.locator(".batch a", has_text="Open import screen").get_attribute("href")
    page.goto(screen)
    page.fill("#names", name)
    page.get_by_role("button", name="Import").click()
    expect(page.locator("li")).to_have_text(f"{name} imported")
    page.goto(pack)
    page.get_by_role("button", name="Check now").click()
    expect(page.locator("p[data-arrived]")).to_have_attribute("data-arrived", "1")
    page.goto(order)
    expect(page.locator(".now__sentence")).to_contain_text("Imported as M")
    expect(page.locator(".headline__meta .status")).to_have_attribute("data-value", "resolved")
    expect(page.get_by_role("button", name="Take it")).to_have_count(0)
    page.goto(f"/orders/?view=resolved&order={name.replace('#', '%23')}")
    expect(rows(page)).to_have_count(1)
    page.goto(f"/activity/?order={name.replace('#', '%23')}")
    kinds = page.locator("tr[data-event]").evaluate_all("all => all.map(one => one.dataset.kind)")
    assert kinds[:2] == ["state", "verdict"]
    assert set(kinds) == {"state", "verdict", "pack", "note", "assign"}


def tick(page: Any, *numbers: int) -> None:
    for number in numbers:
        rows(page).nth(number).locator(".tick input").check()


def test_ticked_orders_are_changed_and_that_is_taken_back(open_page: Any) -> None:
    page = open_page("/orders/?view=missing")
    assert not page.locator(".bulk").is_visible()
    tick(page, 0, 2, 3)
    expect(page.locator(".bulk__count")).to_be_visible()
    page.locator(".bulk summary", has_text="State").click()
    page.locator(".bulk [data-action=state] button", has_text="Waiting for the shop").click()
    expect(page.locator(".toast")).to_contain_text("3 orders are now waiting for the shop.")
    waiting = page.locator("td[data-column=state][data-value=waiting]")
    expect(waiting).to_have_count(3)
    page.locator(".toast button", has_text="Undo").click()
    expect(page.locator(".toast")).to_contain_text("Taken back for 3 orders.")
    expect(waiting).to_have_count(0)


def test_all_that_match_is_a_choice_of_its_own(open_page: Any) -> None:
    page = open_page("/orders/?view=missing&per_page=25")
    total = int(page.locator("[data-total]").get_attribute("data-total"))
    assert total > 25
    page.check("[data-tick-all]")
    expect(page.locator(".bulk")).to_be_visible()
    page.locator(".bulk__all").click()
    expect(page.locator(".bulk__less")).to_contain_text(f"{total:,}, all that match")
    page.locator(".bulk summary", has_text="Assign").click()
    expect(page.locator(".bulk__sure").first).to_be_visible()
    page.locator(".bulk [data-action=assign] button", has_text="Me").click()
    expect(page.locator(".toast")).to_have_attribute("data-changed", re.compile(r"\d\d+"))
    page.locator(".toast button", has_text="Undo").click()
    expect(page.locator(".toast")).to_contain_text("Taken back")


def test_enter_in_the_day_ignores_until_then(open_page: Any) -> None:
    page = open_page(MISSING)
    order = rows(page).first.locator(".order-name").get_attribute("href")
    page.locator("tbody .tick input").nth(1).check()
    for menu, field in ((".bulk", "#bulk-until"), (".now", "#state-until")):
        page.locator(f"{menu} summary", has_text="State").click()
        page.fill(field, "2026-12-09")
        page.press(field, "Enter")
        expect(page.locator(".toast")).to_contain_text("1 order is now ignored until 9 Dec")
        page.locator(".toast button", has_text="Undo").click()
        expect(page.locator(".toast")).to_contain_text("Taken back")
        page.goto(order)


def test_by_keyboard_alone(open_page: Any) -> None:
    page = open_page("/orders/?view=missing")
    box = rows(page).nth(1).locator(".tick input")
    box.focus()
    page.keyboard.press("Space")
    expect(box).to_be_checked()
    summary = page.locator(".bulk summary", has_text="Note")
    summary.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("by keyboard")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("Noted on 1 order.")
    page.keyboard.press("Escape")
    expect(page.locator(".tick :checked")).to_have_count(0)


def test_without_script(open_page: Any) -> None:
    page = open_page("/orders/?view=missing", java_script_enabled=False)
    name = rows(page).nth(1).get_attribute("data-order-name")
    rows(page).nth(1).locator(".tick input").check()
    page.locator(".bulk summary", has_text="Assign").click()
    page.locator(".bulk [data-action=assign] button", has_text="Me").click()
    expect(page.locator(".toast")).to_contain_text("1 order given to agent.")
    page.goto("/orders/?view=mine")
    expect(page.locator(f"tr[data-order-name='{name}']")).to_have_count(1)
    page.locator(".toast button", has_text="Undo").click()
    expect(page.locator(".toast")).to_contain_text("Taken back for 1 order.")


def test_on_a_phone(open_page: Any) -> None:
    page = open_page("/activity/", width=390)
    for path in ("/activity/", "/packs/", "/errors/", "/trends/", "/orders/?view=missing"):
        page.goto(path)
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 390, path
    rows(page).first.locator(".order-name").click()
    # The order's page begins to come when one clicks; its width is asked when it is there.
    expect(page.locator(".now__sentence")).to_be_visible()
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
    page.locator(".now summary", has_text="State").click()
    page.locator(".now button", has_text="In progress").click()
    expect(page.locator(".toast")).to_contain_text("1 order is now in progress.")
    page.locator(".toast button", has_text="Undo").click()
    expect(page.locator(".toast")).to_contain_text("Taken back")


def test_a_view_is_saved_and_opened_from_its_tab(open_page: Any) -> None:
    page = open_page("/orders/?view=missing&sort=order", "manager")
    page.locator("summary", has_text="Views").click()
    page.fill("#view-name", "Missing by name")
    page.get_by_role("button", name="Save view").click()
    tab = page.locator("a[data-saved-view]")
    expect(tab).to_have_attribute("aria-current", "page")
    page.locator("[data-facet=category] [data-value]").first.click()
    expect(page.locator(".changed")).to_be_visible()
    page.locator(".changed a", has_text="Discard").click()
    expect(page.locator(".changed")).to_have_count(0)


def test_axe_finds_nothing_where_one_acts(open_page: Any) -> None:
    page = open_page(MISSING)
    tick(page, 0, 1)
    page.locator(".bulk button", has_text="Re-import pack").click()
    page.wait_for_url(re.compile(r"/packs/\d+/"))
    pack = page.url
    page.goto("/orders/?view=missing")
    order = rows(page).first.locator(".order-name").get_attribute("href")
    for path in ("/orders/?view=missing", order, pack, "/packs/", "/activity/"):
        page.goto(path)
        if path.startswith("/orders/?"):
            tick(page, 0)
        assert_nothing_found(page)
