"""A support agent's work in a real browser: with the mouse, by keyboard, without script."""

import csv
import re
from typing import Any

import pytest
from playwright.sync_api import expect


def total(page: Any) -> int:
    return int(page.locator("[data-total]").get_attribute("data-total"))


def wait_for_total(page: Any, other_than: int) -> int:
    expect(page.locator("[data-total]")).not_to_have_attribute("data-total", str(other_than))
    return total(page)


def see_total(page: Any, count: int) -> None:
    expect(page.locator("[data-total]")).to_have_attribute("data-total", str(count))


def names(page: Any) -> list[str]:
    return page.locator("tr[data-order-id]").evaluate_all(
        "rows => rows.map(row => row.dataset.orderName)"
    )


def test_an_agents_way_through_the_list(page: Any) -> None:
    everything = total(page)
    # Filter by an error, then by date.
    value = page.locator("[data-facet=error] [data-value]").first
    count = int(value.get_attribute("data-count"))
    value.click()
    assert wait_for_total(page, everything) == count
    assert "error=" in page.url
    page.select_option("#period", "30d")
    page.wait_for_url(re.compile("period=30d"))
    narrowed = wait_for_total(page, count)
    assert narrowed < count
    # Remove the date's chip and type again: it does not come back.
    page.get_by_role("link", name=re.compile("Remove the filter last failed")).click()
    assert wait_for_total(page, narrowed) == count
    assert page.input_value("#period") == "all"
    page.locator("#q").press_sequentially("zzz")
    see_total(page, 0)
    assert "period" not in page.url
    assert "q=zzz" in page.url
    assert page.evaluate("document.activeElement.id") == "q"
    assert "0" in page.locator("#view-open").inner_text()  # the tabs came along
    page.fill("#q", "")
    see_total(page, count)
    assert "q=" not in page.url
    page.get_by_role("link", name="Clear all").click()
    assert wait_for_total(page, count) == everything
    # Sort, and go to the second page.
    page.locator("#sort-order").click()
    expect(page.locator("th[aria-sort=ascending]")).to_have_attribute("data-column", "order")
    page.wait_for_url(re.compile("sort=order"))
    first_page = names(page)
    page.locator("#page-next").click()
    page.wait_for_url(re.compile("page=2"))
    expect(page.locator(".page-link[aria-current=page]", has_text="2")).to_be_visible()
    second_page = names(page)
    assert not set(first_page) & set(second_page)
    # Open an order, its neighbour, and come back.
    row = page.locator("tr[data-order-id]").nth(3)
    row.locator(".order-name").click()
    page.wait_for_url(re.compile(r"/orders/\d+/"))
    expect(page.locator("h1")).to_have_text(second_page[3])
    page.locator("a[rel=next]").click()
    expect(page.locator("h1")).to_have_text(second_page[4])
    page.go_back()
    expect(page.locator("h1")).to_have_text(second_page[3])
    page.go_back()
    page.wait_for_url(re.compile("page=2"))
    expect(page.locator("tr[data-order-id]").first).to_be_visible()
    assert names(page) == second_page
    page.go_back()
    expect(page).not_to_have_url(re.compile("page=2"))
    first_row = page.locator("tr[data-order-id]").first
    expect(first_row).to_have_attribute("data-order-name", first_page[0])
    assert names(page) == first_page


def test_a_chip_gone_by_the_back_button_is_back(page: Any) -> None:
    everything = total(page)
    page.locator("[data-facet=shop] [data-value]").first.click()
    one_shop = wait_for_total(page, everything)
    page.locator("[data-facet=error] [data-value]").first.click()
    wait_for_total(page, one_shop)
    page.go_back()
    see_total(page, one_shop)
    assert page.locator(".chip").count() == 1
    page.go_back()
    see_total(page, everything)
    assert page.locator(".chip").count() == 0
    page.go_forward()
    see_total(page, one_shop)


def test_the_same_by_keyboard(page: Any) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "lookup"
    name = names(page)[5]
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/orders/\d+/"))
    expect(page.locator("h1")).to_contain_text(name)
    page.goto("/orders/")
    everything = total(page)
    page.locator("[data-facet=error] [data-value]").first.focus()
    page.keyboard.press("Enter")
    wait_for_total(page, everything)
    assert "facet-error" in page.evaluate("document.activeElement.id")  # the focus stays
    page.locator("#sort-attempts").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("sort=-attempts"))
    expect(page.locator("th[aria-sort=descending]")).to_have_attribute("data-column", "attempts")
    page.locator("details#names > summary").focus()
    page.keyboard.press("Enter")
    page.locator("#order").wait_for(state="visible")
    page.keyboard.press("Escape")
    page.locator("#order").wait_for(state="hidden")
    page.locator(".order-name").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/orders/\d+/"))
    page.get_by_role("button", name="Ask HotWax now").focus()
    page.keyboard.press("Enter")
    page.get_by_text("HotWax answered").wait_for()


def test_days_and_names_are_found_from_their_menus(page: Any) -> None:
    everything = total(page)
    wanted = names(page)[:2]
    page.locator("details#names > summary").click()
    page.fill("#order", "\n".join([*wanted, "#nobody"]))
    page.get_by_role("button", name="Find these orders").click()
    page.wait_for_url(re.compile("order="))
    page.locator("[data-asked-name]").first.wait_for()
    answers = page.locator("[data-asked-name]").evaluate_all(
        "list => list.map(e => [e.dataset.askedName, e.dataset.answer])"
    )
    assert answers == [[wanted[0], "found"], [wanted[1], "found"], ["#nobody", "unknown"]]
    page.goto("/orders/")
    page.locator("details#days > summary").click()
    page.fill("#from", "2020-01-01")
    page.fill("#to", "2020-01-02")
    page.get_by_role("button", name="Show these days").click()
    assert wait_for_total(page, everything) == 0
    expect(page.get_by_text("No open order matches these filters")).to_be_visible()
    page.get_by_role("link", name="Remove “Last failed”").click()
    assert wait_for_total(page, 0) == everything


def test_a_wrong_value_is_told_and_the_rest_works_on(page: Any) -> None:
    page.goto("/orders/?from=2026-11-31&q=timeout")
    assert "November has 30 days" in page.locator(".state").inner_text()
    # Its field says so too, where one looks for it.
    page.locator("#days summary").click()
    assert "November has 30 days" in page.locator("#from-error").inner_text()
    assert page.input_value("#q") == "timeout"
    page.fill("#from", "2026-11-01")
    page.get_by_role("button", name="Show these days").click()
    page.locator("[data-total]").wait_for()
    assert page.url.endswith("from=2026-11-01") or "from=2026-11-01" in page.url


def test_an_error_is_copied(open_page: Any) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.locator(".order-name").first.click()
    page.wait_for_url(re.compile(r"/orders/\d+/"))
    page.locator("[data-copy=error-text]").click()
    page.get_by_text("Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#error-text").inner_text()


@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_stays_where_it_is(width: int, open_page: Any) -> None:
    page = open_page("/orders/?view=all", width=width)
    everything = total(page)
    page.locator("#facets").evaluate("drawer => drawer.open = true")
    for link in ("[data-facet=category] [data-value]", "#sort-attempts", ".chip__remove"):
        page.evaluate("window.scrollTo(0, 904)")
        before, url = page.evaluate("window.scrollY"), page.url
        # Not Playwright's click: it would scroll the link into view first.
        page.locator(link).first.evaluate("link => link.click()")
        expect(page).not_to_have_url(url)
        page.wait_for_timeout(300)
        assert abs(page.evaluate("window.scrollY") - before) <= 1, link
    assert total(page) == everything


def test_after_paging_the_list_begins_at_its_head(page: Any) -> None:
    page.goto("/orders/?view=all")
    page.locator("#page-next").click()
    page.wait_for_url(re.compile("page=2"))
    expect(page.locator(".page-link[aria-current=page]", has_text="2")).to_be_attached()
    expect(page.locator("tr[data-order-id]").first).to_be_in_viewport()
    assert abs(page.locator(".results").bounding_box()["y"]) < 120


def test_the_export_downloads(page: Any) -> None:
    with page.expect_download() as started:
        page.locator("#export").click()
    with open(started.value.path(), encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == total(page)


def test_everything_works_without_script(open_page: Any) -> None:
    # A session of its own: it ends with this test.
    page = open_page("/login/", storage_state=None, java_script_enabled=False)
    page.get_by_role("button", name="agent").click()
    page.wait_for_url("**/orders/")
    everything = total(page)
    value = page.locator("[data-facet=error] [data-value]").first
    count = int(value.get_attribute("data-count"))
    assert count < everything
    value.click()
    see_total(page, count)
    page.fill("#q", "zzz")
    page.get_by_role("button", name="Apply").click()
    see_total(page, 0)
    page.get_by_role("link", name="Clear all filters").click()
    see_total(page, everything)
    page.locator("#sort-order").click()
    page.wait_for_url(re.compile("sort=order"))
    page.locator("#page-next").click()
    page.wait_for_url(re.compile("page=2"))
    page.locator(".order-name").first.click()
    page.wait_for_url(re.compile(r"/orders/\d+/"))
    opened = page.url
    page.locator("a[rel=next]").click()
    expect(page).not_to_have_url(opened)
    expect(page.locator("#error-text")).to_be_visible()
    expect(page.locator("[data-copy]").first).to_be_hidden()
    page.get_by_role("button", name="Ask HotWax now").click()
    expect(page.get_by_text("HotWax answered")).to_be_visible()
    page.locator("#account-menu > summary").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_class(re.compile("is-dark"))
    page.locator("#account-menu > summary").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.locator("#id_username")).to_be_visible()


def test_a_session_that_ended_leads_to_the_sign_in_and_back(page: Any) -> None:
    page.context.clear_cookies()
    page.locator("#sort-order").click()
    page.wait_for_url(re.compile("/login/"))
    page.get_by_role("button", name="viewer").click()
    page.wait_for_url(re.compile("/orders/"))


@pytest.mark.parametrize("width", [390, 768, 1440])
@pytest.mark.parametrize(
    "path", ["/orders/", "/orders/?q=zzz", "/orders/?from=x", "/status/", "order"]
)
def test_nothing_scrolls_sideways(width: int, path: str, open_page: Any) -> None:
    start = "/orders/" if path == "order" else path
    page = open_page(start, width=width)
    if path == "order":
        page.locator(".order-name").first.click()
        page.wait_for_url(re.compile(r"/orders/\d+/"))
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_click_anywhere_in_a_row_opens_the_order(page: Any) -> None:
    row = page.locator("tr[data-order-id]").nth(2)
    number = row.get_attribute("data-order-id")
    for modifiers, button in (([], "middle"), (["Control"], "left")):
        with page.context.expect_page() as other:
            row.locator("td[data-column=expires]").click(modifiers=modifiers, button=button)
        expect(other.value).to_have_url(re.compile(rf"/orders/{number}/"))
    # Selecting a text opens nothing; a link in the row leads where it says.
    box = row.locator("td[data-column=expires] .line-1").bounding_box()
    page.mouse.move(box["x"] + 1, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + 40, box["y"] + 8, steps=5)
    page.mouse.up()
    assert page.evaluate("getSelection().toString()")
    expect(page).to_have_url(re.compile("/orders/$"))
    row.locator("td[data-column=error] a").click()
    page.wait_for_url(re.compile("error="))
    page.go_back()
    page.locator(f"tr[data-order-id='{number}'] td[data-column=failed]").click()
    page.wait_for_url(re.compile(rf"/orders/{number}/"))


def test_keys_walk_the_list_and_the_orders(page: Any) -> None:
    named = names(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to results"
    page.keyboard.press("Enter")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    here = "document.activeElement.closest('tr').dataset.orderName"
    assert page.evaluate(here) == named[1]
    page.keyboard.press("x")
    expect(page.locator("tr:has(.tick :checked)")).to_have_attribute("data-order-name", named[1])
    page.keyboard.press("Escape")
    # A letter that is typed is a letter.
    page.locator("#q").focus()
    page.keyboard.type("?jx")
    expect(page.locator("#q")).to_have_value("?jx")
    expect(page.locator("dialog#keys")).to_be_hidden()
    page.goto("/orders/")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/orders/\d+/"))
    expect(page.locator("h1")).to_contain_text(named[0])
    page.keyboard.press("ArrowRight")
    expect(page.locator("h1")).to_contain_text(named[1])
    page.keyboard.press("ArrowLeft")
    expect(page.locator("h1")).to_contain_text(named[0])
    page.keyboard.press("?")
    expect(page.locator("dialog#keys")).to_be_visible()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    expect(page.locator("dialog#keys")).to_be_hidden()
    expect(page.locator("h1")).to_contain_text(named[0])


def test_the_browsers_back_gives_the_row_one_left_the_focus(page: Any) -> None:
    for leave in (lambda link: link.press("Enter"), lambda link: link.click()):
        link = page.locator(".order-name").nth(12)
        name = link.text_content()
        leave(link)
        page.wait_for_url(re.compile(r"/orders/\d+/"))
        page.go_back()
        expect(page.locator(f"tr[data-order-name='{name}'] .order-name")).to_be_focused()
    page.keyboard.press("j")
    expect(page.locator(".order-name").nth(13)).to_be_focused()


def test_after_an_action_the_row_in_its_place_has_the_focus(page: Any) -> None:
    before = names(page)
    page.goto("/orders/?state=open")
    page.locator(".order-name").nth(3).focus()
    page.keyboard.press("x")
    page.locator(".bulk summary", has_text="State").click()
    page.get_by_role("button", name="In progress").click()
    expect(page.locator(".toast")).to_be_visible()
    assert names(page)[3] == before[4]
    expect(page.locator(".order-name").nth(3)).to_be_focused()
    # Taken back, one stands where one stood.
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast")).to_contain_text("Taken back")
    assert names(page)[3:5] == before[3:5]
    expect(page.locator(".order-name").nth(4)).to_be_focused()


def test_a_key_leads_to_the_actions_and_choosing_all_moves_nothing(page: Any) -> None:
    page.locator(".order-name").first.focus()
    page.keyboard.press("x")
    page.evaluate("scrollTo(0, 0)")
    all_ = page.locator(".bulk__more").bounding_box()
    page.mouse.click(all_["x"] + 9, all_["y"] + 9)  # Playwright's click would scroll by itself
    expect(page.locator(".bulk__less")).to_be_visible()
    assert page.evaluate("scrollY") == 0
    page.keyboard.press("Enter")  # on the box of all: it presses nothing
    expect(page.locator(".bulk__less")).to_be_visible()
    page.locator(".order-name").first.focus()
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="manager")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator(".bulk summary", has_text="Note").click()
    expect(page.locator("#bulk-note")).to_be_focused()


def test_names_that_are_too_many_are_shown_in_their_open_menu(page: Any) -> None:
    page.locator("#names summary").click()
    page.locator("#order").fill(",".join(map(str, range(1001))))
    page.keyboard.press("Control+Enter")
    expect(page.locator("#order-error")).to_be_visible()
    expect(page.locator("#order")).to_have_value(re.compile("^0,1,2,"))


def test_whoever_removes_a_chip_goes_on_at_the_next(page: Any) -> None:
    page.goto("/orders/?state=open&verdict=unchecked&q=the")
    chip = page.locator(".chip__remove")
    expect(chip).to_have_count(3)
    chip.first.press("Enter")
    expect(chip).to_have_count(2)
    expect(chip.first).to_be_focused()
    chip.nth(1).press("Enter")
    expect(chip).to_have_count(1)
    expect(chip.first).to_be_focused()
    chip.first.press("Enter")
    expect(chip).to_have_count(0)
    expect(page.locator(".found__total")).to_be_focused()


def test_back_from_an_order_the_row_one_left_has_the_focus(page: Any) -> None:
    name = names(page)[20]
    page.locator(f"tr[data-order-name='{name}'] .order-name").click()
    page.wait_for_url(re.compile(r"/orders/\d+/"))
    page.locator(".crumbs a").first.click()
    page.wait_for_url(re.compile("/orders/.*#order-"))
    row = page.locator(f"tr[data-order-name='{name}']")
    expect(row).to_be_in_viewport()
    expect(row.locator(".order-name")).to_be_focused()
