"""A page that stays open tells the present, or that it cannot."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.serving import signed_in


@pytest.fixture
def page(chromium: Any, site: str) -> Any:
    """A list that was opened a while ago; its timers go as the test says."""
    context = chromium.new_context(base_url=site, storage_state=signed_in(chromium, site))
    page = context.new_page()
    page.clock.install()
    page.goto("/orders/")
    yield page
    context.close()


def age(page: Any) -> None:
    """Let what stands in the trust line be of long ago, and let an interval pass."""
    page.evaluate("document.getElementById('trust').dataset.state = 'of yesterday'")
    page.clock.run_for(16_000)


def test_the_trust_line_follows_the_present(page: Any) -> None:
    state = page.locator("#trust").get_attribute("data-state")
    page.locator("#trust a").focus()
    age(page)
    expect(page.locator("#trust")).to_have_attribute("data-state", state)
    expect(page.locator("#trust a")).to_be_focused()
    expect(page.locator("#trust-lost")).to_be_hidden()


def test_a_page_without_an_answer_says_so_and_since_when(page: Any) -> None:
    page.context.set_offline(True)
    age(page)
    told = page.locator("#trust-lost")
    expect(told).to_contain_text("Reconciler does not answer this page")
    since = told.locator("[data-since]").inner_text()
    assert since
    expect(page.locator("#trust")).to_be_hidden()
    page.clock.run_for(60_000)
    expect(told.locator("[data-since]")).to_have_text(since)
    page.context.set_offline(False)
    page.clock.run_for(16_000)
    expect(told).to_be_hidden()
    expect(page.locator("#trust")).to_be_visible()
    assert page.locator("#trust").get_attribute("data-state") != "of yesterday"


def test_who_is_signed_out_is_told(page: Any) -> None:
    page.context.clear_cookies()
    age(page)
    expect(page.locator("#trust-lost")).to_contain_text("You are signed out")


def test_new_orders_are_told_and_no_row_moves(page: Any) -> None:
    page.goto("/orders/?view=all&sort=failed&page=2")
    page.evaluate("scrollTo(0, 700)")
    before = page.locator(".order-name").all_inner_texts()
    page.evaluate(
        """() => {
            document.querySelector("[data-after-attempt]").dataset.afterAttempt = "0";
            document.querySelector("#view-all .tab__count").textContent = "1";
        }"""
    )
    where = page.evaluate("document.querySelector('#orders').getBoundingClientRect().top")
    age(page)
    pill = page.locator("[data-new]")
    expect(pill).to_be_in_viewport()
    assert page.locator(".order-name").all_inner_texts() == before
    assert page.evaluate("document.querySelector('#orders').getBoundingClientRect().top") == where
    total = page.locator("[data-total]").inner_text()
    expect(page.locator("#view-all .tab__count")).to_have_text(total)
    assert pill.inner_text() == f"{total} new – show"
    pill.click()
    page.wait_for_url("**/orders/?view=all&sort=failed")
    expect(pill).to_have_count(0)
    assert page.locator(".order-name").all_inner_texts() != before
